"""Compositions of diffusion models: score fields made of stacked scores.

Nothing here knows a network, a sampler, an image or a config; :mod:`projcomp.composition.mixtures`
holds the exact examples that operators are proven on, :mod:`projcomp.sampling.operators` finds them
by name.
"""
