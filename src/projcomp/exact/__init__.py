"""Exact models: a set of renders is a distribution whose score is known, without any training."""
