"""What a model may be told of an object, a kind a module; ``kinds.py`` lists them."""
