"""What will compose, told from the pictures alone: nothing is trained and nothing is labelled."""
