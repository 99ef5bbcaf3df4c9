"""Reverse processes: from noise to samples along any score field; they know no operator by name.

:mod:`projcomp.samplers.registry` lists them.
"""
