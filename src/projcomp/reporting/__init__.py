"""Results to figures: reads what the other stages wrote, computes nothing."""
