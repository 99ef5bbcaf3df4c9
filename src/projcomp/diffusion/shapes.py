"""Names for the shapes that compositions and samplers hand to each other.

In a signature they say what a docstring would; the tests check them at run time (jaxtyping with
beartype: within one call ``batch``, ``models`` and ``*dims`` mean the same numbers everywhere).
``dims`` is the shape of one sample: a picture's channels, height and width, or a point's dimension.
"""

import numpy as np
from jaxtyping import Float, Float64, Integer, UInt8
from torch import Tensor

Samples = Float[Tensor, "batch *dims"]
"""Samples, or anything that has their shape: noise, displacements, one model's scores."""

Moves = Float[Tensor, "batch *moves"]
"""Displacements of samples, and noise: shaped as these in flat space, where a step adds them; on a
manifold as its directions (:mod:`projcomp.diffusion.frames`)."""

Stacked = Float[Tensor, "models batch *dims"]
"""Scores of several models at the same samples."""

PerSample = Float[Tensor, "batch"]
"""A number per sample, such as its noise level."""

Precise = Float64[Tensor, "batch"]
"""A number per sample in double precision: inner products, log-densities, log-weights."""

PerModel = Float64[Tensor, "models batch"]
"""A number per model and sample in double precision."""

Gram = Float64[Tensor, "batch models models"]
"""Inner products of every sample's vectors, one per model, with each other."""

SwarmWeights = Float64[Tensor, "swarms size"]
"""A number per particle, a row per swarm."""

PerSwarm = Float64[Tensor, "swarms"]
"""A number per swarm."""

Index = Integer[Tensor, "batch"]
"""Which one, for every sample."""

Bits = Integer[Tensor, "batch *dims"]
"""An integer for every number of a sample."""

Levels = Float64[Tensor, "levels"]
"""Noise levels."""

Condition = Float[Tensor, "batch features"]
"""What each sample's denoiser is told."""

Points = Float[Tensor, "batch d"]
"""Points of the plane, or of any space of ``d`` dimensions."""

Pictures = UInt8[np.ndarray, "batch height width 3"]
"""Pictures as they are stored."""
