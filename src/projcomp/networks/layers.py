"""Magnitude-preserving building blocks of EDM2 (Karras et al. 2024, section 2 and appendix B).

Each maps inputs of unit variance to outputs of unit variance, in expectation, at initialisation.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_EPSILON = 1e-4
# Root mean square of silu(z) for z ~ N(0, 1) (EDM2, eq. 81).
SILU_RMS = 0.596


def normalize(x: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """Scale ``x`` to unit root mean square over ``dim`` (EDM2, eq. 30: pixel norm for dim=1)."""
    norm = torch.linalg.vector_norm(x, dim=dim, keepdim=True, dtype=torch.float32)
    size = x.numel() // norm.numel()
    return x * (math.sqrt(size) / (norm + _EPSILON)).to(x.dtype)


def normalize_weight(weight: Tensor) -> Tensor:
    """Scale each output unit's weights to root mean square 1 (EDM2, eq. 47, times sqrt(fan_in)).

    Without EDM2's epsilon, so that weights on the sphere stay exactly as they are.
    """
    norm = torch.linalg.vector_norm(weight, dim=tuple(range(1, weight.ndim)), keepdim=True)
    return weight * (math.sqrt(weight[0].numel()) / norm)


def mp_silu(x: Tensor) -> Tensor:
    """Magnitude-preserving SiLU (EDM2, eq. 81)."""
    return F.silu(x) / SILU_RMS


def mp_sum(a: Tensor, b: Tensor, t: float) -> Tensor:
    """Magnitude-preserving interpolation from ``a`` (t = 0) to ``b`` (t = 1) (EDM2, eq. 88)."""
    keep, take = mp_sum_weights(t)
    return torch.add(keep * a, b, alpha=take)


def mp_sum_weights(t: float) -> tuple[float, float]:
    """The factors of ``a`` and of ``b`` in ``mp_sum(a, b, t)``."""
    length = math.hypot(1.0 - t, t)
    return (1.0 - t) / length, t / length


def mp_cat(a: Tensor, b: Tensor) -> Tensor:
    """Concatenate channels; the inputs contribute equally (EDM2, eq. 103, with t = 1/2)."""
    num_a, num_b = a.shape[1], b.shape[1]
    if num_a == num_b:  # nothing to scale
        return torch.cat([a, b], 1)
    scale_a, scale_b = (math.sqrt((num_a + num_b) / (2 * num)) for num in (num_a, num_b))
    return torch.cat([a * scale_a, b * scale_b], 1)


class MPFourier(nn.Module):
    """Random Fourier features of a number, of unit variance (EDM2, eq. 75).

    Args:
        num_features: length of the feature vector.
        bandwidth: standard deviation of the frequencies, cycles per unit of the input.
    """

    frequencies: Tensor
    phases: Tensor

    def __init__(self, num_features: int, bandwidth: float = 1.0):
        super().__init__()
        self.register_buffer("frequencies", 2 * math.pi * bandwidth * torch.randn(num_features))
        self.register_buffer("phases", 2 * math.pi * torch.rand(num_features))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(...)`` to ``(..., num_features)``."""
        angles = x.float().unsqueeze(-1) * self.frequencies + self.phases
        return math.sqrt(2.0) * torch.cos(angles)


class MPConv(nn.Module):
    """Convolution (or linear map, without a kernel size) with weights held at unit magnitude.

    EDM2 normalises the weight in every forward pass of training. Here it lies on the sphere
    whenever it is used, so that only the gradient differs: ``project_gradient`` makes it what it
    would have been, and ``normalize_weights`` goes back to the sphere after every update, after
    averaging and after loading.

    Args:
        in_channels: input channels.
        out_channels: output channels.
        kernel: side of the square kernel; 0 makes a linear map on ``(batch, in_channels)``.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 0):
        super().__init__()
        shape = (out_channels, in_channels) + ((kernel, kernel) if kernel else ())
        self.weight = nn.Parameter(normalize_weight(torch.randn(shape)))
        self.padding = kernel // 2

    def forward(self, x: Tensor, gain: Tensor | float = 1.0) -> Tensor:
        """Apply the map; ``gain`` scales the output."""
        weight = (self.weight * (gain / math.sqrt(self.weight[0].numel()))).to(x.dtype)
        if weight.ndim == 2:
            return F.linear(x, weight)
        if weight.shape[-1] == 1:  # channels last: a product of matrices, and faster as one
            return F.linear(x.permute(0, 2, 3, 1), weight[:, :, 0, 0]).permute(0, 3, 1, 2)
        return F.conv2d(x, weight, padding=self.padding)

    @torch.no_grad()
    def normalize_weights(self) -> None:
        """Put the weights back on the sphere, in place."""
        self.weight.copy_(normalize_weight(self.weight))

    @torch.no_grad()
    def project_gradient(self) -> None:
        """Take the gradient's part along the weight out of it, in place (EDM2, eq. 49)."""
        if self.weight.grad is None:
            return
        along = tuple(range(1, self.weight.ndim))
        share = (self.weight.grad * self.weight).sum(along, keepdim=True) / self.weight[0].numel()
        self.weight.grad.addcmul_(self.weight, share, value=-1)
