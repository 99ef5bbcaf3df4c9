"""Other people's models, as the library composes them: a module a library, each with its extra."""
