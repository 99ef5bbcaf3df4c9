"""The preconditioned denoiser D(x; sigma, condition) around the U-Net."""

import torch
from torch import Tensor, nn

from projcomp.config.learning import NetworkConfig
from projcomp.diffusion.preconditioning import preconditioning
from projcomp.features.feature_map import RGB, Features
from projcomp.networks.layers import MPConv, MPFourier
from projcomp.networks.unet import UNet


class Denoiser(nn.Module):
    """E[x0 | x, condition] as learnt by the U-Net, with the loss's uncertainty beside it.

    Args:
        config: sizes of the U-Net, and ``sigma_data``.
        resolution: side of the images, pixels.
        condition_kind: what it is told (``conditions/kinds.py``), or "none".
        features: what of the images it denoises, C channels.
        learns_empty: whether 'empty', no object in the picture, is one of its conditions.
    """

    def __init__(
        self,
        config: NetworkConfig,
        resolution: int,
        condition_kind: str,
        features: Features = RGB,
        *,
        learns_empty: bool = False,
    ):
        super().__init__()
        self.features = features
        self.resolution = resolution
        self.condition_kind = condition_kind
        self.sigma_data = config.sigma_data
        self.learns_empty = learns_empty
        self.unet = UNet(
            config, resolution, condition_kind, features.channels, learns_empty=learns_empty
        )
        self.logvar_features = MPFourier(128)
        self.logvar_linear = MPConv(128, 1)

    def forward(self, x: Tensor, sigma: Tensor, condition: Tensor) -> Tensor:
        """Denoise ``x`` ``(B, C, H, W)`` at ``sigma`` ``(B,)`` given rows of ``condition``.

        Computed in float32; under ``torch.autocast`` the U-Net alone runs in the lower precision.
        """
        p = preconditioning(sigma.float(), self.sigma_data)
        x = x.float()
        raw = self.unet((_column(p.c_in) * x), p.c_noise, condition)
        return _column(p.c_skip) * x + _column(p.c_out) * raw.float()

    def logvar(self, sigma: Tensor) -> Tensor:
        """Log-variance u(sigma), ``(B,)``, of the uncertainty-weighted loss (EDM2, eq. 14)."""
        with torch.autocast(sigma.device.type, enabled=False):
            return self.logvar_linear(self.logvar_features(sigma.log() / 4)).squeeze(1)

    def normalize_weights(self) -> None:
        """Put every weight back on its sphere, in place, as after each update (Bradley et al.)."""
        for layer in self._layers():
            layer.normalize_weights()

    def project_gradients(self) -> None:
        """Make every gradient tangent to its weight's sphere, in place, before an update."""
        for layer in self._layers():
            layer.project_gradient()

    def _layers(self) -> list[MPConv]:
        return [module for module in self.modules() if isinstance(module, MPConv)]


def _column(values: Tensor) -> Tensor:
    return values[:, None, None, None]
