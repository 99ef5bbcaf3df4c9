"""Molecules that models made: their files, and what RDKit says of them."""
