"""The EDM2 U-Net again, plainly: the baseline of ``benchmarks/train.py`` and a check of our own.

It takes the parameters of a ``projcomp`` network and computes the same function as the paper's
equations read: every weight normalised in every forward pass, every factor where its equation has
it, attention by einsum, nothing folded, nothing fused (Karras et al. 2024, figure 21, appendix B).
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from projcomp.networks.denoiser import Denoiser
from projcomp.networks.layers import MPConv, mp_cat, mp_sum
from projcomp.networks.unet import Block, UNet


class PlainDenoiser(Denoiser):
    """A denoiser whose U-Net is computed plainly; parameters, names and training are the same."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.unet.forward = lambda x, c_noise, condition: forward(  # pyright: ignore
            self.unet, x, c_noise, condition
        )


def silu(x: Tensor) -> Tensor:
    """Magnitude-preserving SiLU."""
    return F.silu(x) / 0.596


def normalized(x: Tensor, dims: list[int]) -> Tensor:
    """Unit root mean square over ``dims``."""
    norm = torch.linalg.vector_norm(x.float(), dim=dims, keepdim=True)
    count = math.prod(x.shape[d] for d in dims)
    return x / (norm / math.sqrt(count) + 1e-4 / math.sqrt(count)).to(x.dtype)


def conv(layer: MPConv, x: Tensor, gain: Tensor | float = 1.0) -> Tensor:
    """A convolution or linear map whose weights have unit magnitude."""
    norm = torch.linalg.vector_norm(layer.weight, dim=(*range(1, layer.weight.ndim),), keepdim=True)
    weight = (layer.weight / norm * gain).to(x.dtype)  # of length 1: rms 1 / sqrt(fan_in)
    if weight.ndim == 2:
        return x @ weight.T
    return F.conv2d(x, weight, padding=layer.weight.shape[-1] // 2)


def attend(block: Block, x: Tensor) -> Tensor:
    """Self-attention with normalised queries, keys and values."""
    batch, channels, height, width = x.shape
    qkv = conv(block.attention_qkv, x).reshape(batch, 3, block.num_heads, -1, height * width)
    q, k, v = normalized(qkv, [3]).unbind(1)
    weight = torch.softmax(torch.einsum("bhcq,bhck->bhqk", q, k) / math.sqrt(q.shape[2]), dim=3)
    y = torch.einsum("bhqk,bhck->bhcq", weight, v)
    return conv(block.attention_out, y.reshape(batch, channels, height, width))


def block(block: Block, x: Tensor, emb: Tensor) -> Tensor:
    """One residual block."""
    if block.resample == "down":
        x = F.avg_pool2d(x, 2)
    elif block.resample == "up":
        x = F.interpolate(x, scale_factor=2, mode="nearest")
    if not block.decoder:
        x = conv(block.conv_skip, x) if block.conv_skip is not None else x
        x = normalized(x, [1])
    y = conv(block.conv_0, silu(x))
    scale = conv(block.emb_linear, emb, gain=block.emb_gain) + 1
    y = silu(y * scale[:, :, None, None].to(y.dtype))
    y = conv(block.conv_1, y)
    if block.decoder and block.conv_skip is not None:
        x = conv(block.conv_skip, x)
    x = mp_sum(x, y, 0.3)
    return mp_sum(x, attend(block, x), 0.3) if block.num_heads else x


def forward(unet: UNet, x: Tensor, c_noise: Tensor, condition: Tensor) -> Tensor:
    """Map ``(B, 3, H, W)``, ``(B,)``, ``(B, C)`` to ``(B, 3, H, W)``."""
    emb = conv(unet.noise_linear, unet.noise_features(c_noise))
    if unet.condition_linear is not None:
        emb = mp_sum(emb, conv(unet.condition_linear, unet.condition_features(condition)), 0.5)
    emb = silu(emb).to(x.dtype)
    planes = unet.coordinate_planes.to(x.dtype).expand(len(x), -1, *x.shape[2:])
    told = [unet.condition_map(condition).to(x.dtype)] if unet.condition_map is not None else []
    x = conv(unet.conv_in, torch.cat([x, torch.ones_like(x[:, :1]), planes, *told], 1))
    skips = [x]
    for layer in unet.encoder:
        x = block(layer, x, emb)
        skips.append(x)
    for layer, takes_skip in zip(unet.decoder, unet._takes_skip, strict=True):
        x = block(layer, mp_cat(x, skips.pop()) if takes_skip else x, emb)
    return conv(unet.conv_out, x, gain=unet.out_gain)
