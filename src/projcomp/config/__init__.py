"""What a user may write: the pydantic tree, a file a section; defaults; messages."""
