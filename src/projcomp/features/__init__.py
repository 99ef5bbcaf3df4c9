"""Maps in front of a model: it learns and samples features of a picture, which lead back to it."""
