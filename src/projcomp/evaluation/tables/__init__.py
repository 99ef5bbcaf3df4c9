"""The tables that set cases side by side, a module each.

Each has ``table(settings, folder) -> DataFrame`` and its ``COLUMNS``; their rows are in
``plan/tables.py``.
"""
