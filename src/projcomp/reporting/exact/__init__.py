"""The figures of the papers' exact experiments: each module has ``draw(table) -> Figure``."""
