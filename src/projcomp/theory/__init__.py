"""The papers' experiments on exact distributions: one module per experiment, one table each.

A module ``<experiment>.py`` has one function ``measure(settings) -> Table``; :mod:`.run` finds it
by the experiment's name. Nothing here knows a picture of CLEVR's, a dataset or the detector.
"""
