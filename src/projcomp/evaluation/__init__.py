"""Counting what came out: the object detector, per-image measures, intervals and the summary."""
