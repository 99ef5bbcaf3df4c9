"""The EDM2 U-Net, configuration G (Karras et al. 2024, figure 21 and appendix B)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from projcomp.config.learning import NetworkConfig
from projcomp.networks.condition_map import ConditionMap
from projcomp.networks.conditioning import ConditionFeatures
from projcomp.networks.layers import (
    SILU_RMS,
    MPConv,
    MPFourier,
    mp_cat,
    mp_silu,
    mp_sum,
    mp_sum_weights,
    normalize,
)

_RESIDUAL_BALANCE = 0.3
_ATTENTION_BALANCE = 0.3
_CONDITION_BALANCE = 0.5
_CHANNELS_PER_HEAD = 64


def _heads(channels: int) -> int:
    """Heads of about 64 channels each, as many as share the channels evenly."""
    heads = max(1, channels // _CHANNELS_PER_HEAD)
    while channels % heads:
        heads -= 1
    return heads


class Block(nn.Module):
    """A residual block of the encoder (pixel norm first) or of the decoder, perhaps with attention.

    Args:
        in_channels: input channels, skip connection included.
        out_channels: output channels.
        emb_channels: channels of the embedding that scales the hidden activations.
        decoder: which side of the U-Net.
        resample: "keep", "down" (box filter) or "up" (nearest neighbour), before everything else.
        attention: whether self-attention follows.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        emb_channels: int,
        *,
        decoder: bool,
        resample: str = "keep",
        attention: bool = False,
    ):
        super().__init__()
        self.decoder, self.resample = decoder, resample
        self.emb_gain = nn.Parameter(torch.zeros([]))
        self.emb_linear = MPConv(emb_channels, out_channels)
        self.conv_0 = MPConv(in_channels if decoder else out_channels, out_channels, kernel=3)
        self.conv_1 = MPConv(out_channels, out_channels, kernel=3)
        self.conv_skip = (
            MPConv(in_channels, out_channels, 1) if in_channels != out_channels else None
        )
        self.num_heads = _heads(out_channels) if attention else 0
        if attention:
            self.attention_qkv = MPConv(out_channels, 3 * out_channels, kernel=1)
            self.attention_out = MPConv(out_channels, out_channels, kernel=1)

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        """Map ``(B, in, H, W)`` and ``(B, emb)`` to ``(B, out, H', W')``."""
        if self.resample == "down":
            x = F.avg_pool2d(x, 2)
        elif self.resample == "up":
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        if not self.decoder:
            x = normalize(self.conv_skip(x) if self.conv_skip is not None else x, dim=1)
        # The factors of mp_silu and mp_sum are folded into the weights of the convolutions beside
        # them: the same function with half the passes over the activations.
        scale = self.emb_linear(emb, gain=self.emb_gain) + 1.0
        y = self.conv_0(F.silu(x), gain=1 / SILU_RMS)
        y = y * scale[:, :, None, None].to(y.dtype)
        keep, take = mp_sum_weights(_RESIDUAL_BALANCE)
        y = self.conv_1(F.silu(y), gain=take / SILU_RMS)
        if self.decoder and self.conv_skip is not None:
            x = self.conv_skip(x)
        x = torch.add(y, x, alpha=keep)
        if self.num_heads:
            keep, take = mp_sum_weights(_ATTENTION_BALANCE)
            x = torch.add(self._attend(x, gain=take), x, alpha=keep)
        return x

    def _attend(self, x: Tensor, gain: float) -> Tensor:
        """Self-attention over the image with normalised queries, keys and values (EDM2, eq. 36)."""
        batch, channels, height, width = x.shape
        # channels last: each head's query, key and value are rows of contiguous numbers
        qkv = self.attention_qkv(x).permute(0, 2, 3, 1)
        qkv = qkv.reshape(batch, height * width, 3, self.num_heads, -1)
        q, k, v = normalize(qkv, dim=4).permute(2, 0, 3, 1, 4).unbind(0)
        y = attention(q, k, v).transpose(1, 2)
        y = y.reshape(batch, height, width, channels).permute(0, 3, 1, 2)
        return self.attention_out(y, gain=gain)


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Softmax attention of ``(B, heads, places, channels)``; the fused one where it is faster.

    On a CPU the fused kernel's backward pass takes three times as long as two plain products.
    """
    if q.device.type == "cpu" and torch.is_grad_enabled():
        return torch.softmax((q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2), dim=-1) @ v
    return F.scaled_dot_product_attention(q, k, v)


class UNet(nn.Module):
    """Raw network F(c_in x; c_noise, condition) of the preconditioned denoiser.

    Args:
        config: sizes; the paper's XS is channels 128, multipliers [1, 2, 3, 4], 3 blocks.
        resolution: side of the images, pixels.
        condition_kind: what it is told (``conditions/kinds.py``), or "none".
        image_channels: channels of what is denoised, C; 3 for RGB.
        learns_empty: whether 'empty' is one of its conditions.
    """

    coordinate_planes: Tensor

    def __init__(
        self,
        config: NetworkConfig,
        resolution: int,
        condition_kind: str,
        image_channels: int = 3,
        *,
        learns_empty: bool = False,
    ):
        super().__init__()
        widths = [config.channels * m for m in config.multipliers]
        emb_channels = max(widths)
        self.noise_features = MPFourier(config.channels)
        self.noise_linear = MPConv(config.channels, emb_channels)
        conditional = condition_kind != "none"
        self.condition_features = ConditionFeatures(
            condition_kind, config.position_frequencies, config.position_bandwidth
        )
        self.condition_linear = (
            MPConv(self.condition_features.num_features, emb_channels)
            if conditional and config.by_embedding
            else None
        )
        self.condition_map = (
            ConditionMap(condition_kind, resolution, config.blob_width, learns_empty=learns_empty)
            if conditional and config.by_map
            else None
        )
        planes = (
            _coordinate_planes(resolution) if config.coordinate_planes else torch.empty(0, 1, 1)
        )
        self.register_buffer("coordinate_planes", planes, persistent=False)

        # The constant channel stands in for biases (EDM2, section 2.3).
        told = self.condition_map.num_planes if self.condition_map is not None else 0
        planes = 1 + len(self.coordinate_planes) + told
        self.conv_in = MPConv(image_channels + planes, widths[0], kernel=3)
        encoder, skips = _encoder(config, resolution, emb_channels)
        decoder, self._takes_skip = _decoder(config, resolution, emb_channels, skips)
        self.encoder, self.decoder = nn.ModuleList(encoder), nn.ModuleList(decoder)
        self.conv_out = MPConv(widths[0], image_channels, kernel=3)
        self.out_gain = nn.Parameter(torch.zeros([]))

    def embed(self, c_noise: Tensor, condition: Tensor) -> Tensor:
        """Noise level ``(B,)`` and condition ``(B, C)`` to the embedding ``(B, emb)``."""
        emb = self.noise_linear(self.noise_features(c_noise))
        if self.condition_linear is not None:
            told = self.condition_linear(self.condition_features(condition))
            emb = mp_sum(emb, told, _CONDITION_BALANCE)
        return mp_silu(emb)

    def forward(self, x: Tensor, c_noise: Tensor, condition: Tensor) -> Tensor:
        """Map images ``(B, C, H, W)``, ``(B,)`` and conditions to ``(B, C, H, W)``."""
        emb = self.embed(c_noise, condition).to(x.dtype)
        planes = self.coordinate_planes.to(x.dtype).expand(len(x), -1, *x.shape[2:])
        told = [self.condition_map(condition).to(x.dtype)] if self.condition_map is not None else []
        x = self.conv_in(torch.cat([x, torch.ones_like(x[:, :1]), planes, *told], 1))
        skips = [x]
        for block in self.encoder:
            x = block(x, emb)
            skips.append(x)
        for block, takes_skip in zip(self.decoder, self._takes_skip, strict=True):
            x = block(mp_cat(x, skips.pop()) if takes_skip else x, emb)
        return self.conv_out(x, gain=self.out_gain)


def _encoder(
    config: NetworkConfig, resolution: int, emb_channels: int
) -> tuple[list[Block], list[int]]:
    """The encoder's blocks, and the channels of every skip connection, the input's first."""
    channels = config.channels * config.multipliers[0]
    blocks, skips = [], [channels]
    for level, multiplier in enumerate(config.multipliers):
        width, attention = config.channels * multiplier, _attends(config, resolution, level)
        if level:
            blocks.append(Block(channels, channels, emb_channels, decoder=False, resample="down"))
            skips.append(channels)
        for _ in range(config.blocks):
            blocks.append(Block(channels, width, emb_channels, decoder=False, attention=attention))
            channels = width
            skips.append(channels)
    return blocks, skips


def _decoder(
    config: NetworkConfig, resolution: int, emb_channels: int, skips: list[int]
) -> tuple[list[Block], list[bool]]:
    """The decoder's blocks, and which of them take a skip connection, last in first out."""
    skips = list(skips)
    channels = skips[-1]
    lowest = len(config.multipliers) - 1
    blocks, takes_skip = [], []
    for level in range(lowest, -1, -1):
        width = config.channels * config.multipliers[level]
        attention = _attends(config, resolution, level)
        if level == lowest:
            if config.attention_resolutions:  # what they are there for
                blocks.append(Block(channels, channels, emb_channels, decoder=True, attention=True))
                blocks.append(Block(channels, channels, emb_channels, decoder=True))
        else:
            blocks.append(Block(channels, channels, emb_channels, decoder=True, resample="up"))
        takes_skip += [False] * (len(blocks) - len(takes_skip))
        for _ in range(config.blocks + 1):
            wide = channels + skips.pop()
            blocks.append(Block(wide, width, emb_channels, decoder=True, attention=attention))
            takes_skip.append(True)
            channels = width
    return blocks, takes_skip


def _attends(config: NetworkConfig, resolution: int, level: int) -> bool:
    return resolution >> level in config.attention_resolutions


def _coordinate_planes(resolution: int) -> Tensor:
    """Fourier features of the pixel coordinates, ``(planes, H, W)``, unit variance.

    Frequencies 1/2, 1, 2, 4 cycles per image side for x and y: enough to tell one pixel from the
    next. Without them a place is known to the network only through the zero padding.
    """
    points = (torch.arange(resolution) + 0.5) / resolution
    frequencies = torch.tensor([0.5, 1.0, 2.0, 4.0])
    angles = 2 * math.pi * frequencies[:, None] * points
    waves = math.sqrt(2.0) * torch.cat([torch.cos(angles), torch.sin(angles)])
    along_x = waves[:, None, :].expand(-1, resolution, -1)
    along_y = waves[:, :, None].expand(-1, -1, resolution)
    return torch.cat([along_x, along_y])
