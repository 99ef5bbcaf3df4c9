"""The kinds of figures, a module each.

Each has ``draw(settings, folder) -> Figure``; ``plan/figures.py`` has their rows.
"""
