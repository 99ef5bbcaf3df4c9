"""Compositions of diffusion models: score fields made of stacked scores, found by name.

Nothing here knows a network, a sampler or an image; :mod:`projcomp.composition.registry` lists the
operators, :mod:`projcomp.composition.mixtures` holds the exact examples they are proven on.
"""
