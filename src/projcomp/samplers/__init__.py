"""Reverse processes: from noise to samples along any score field; no operator, no config is known.

:mod:`projcomp.sampling.samplers` finds them by name.
"""
