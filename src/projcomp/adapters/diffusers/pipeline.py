"""A pipeline of diffusers, as the library composes it."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
from torch import Tensor

from projcomp.adapters.diffusers import loras as adapters
from projcomp.adapters.diffusers.network import Network
from projcomp.adapters.diffusers.schedule import noise_levels, scheduler_named
from projcomp.adapters.diffusers.told import Loras, Told
from projcomp.adapters.loading import check_vocabulary, loading
from projcomp.diffusion.shapes import Levels, Pictures, Samples
from projcomp.errors import UserError
from projcomp.machine.memory import Halving, memory_for
from projcomp.words import short


class Pipeline:
    """Conditions, noise levels, start and pictures of a pipeline: SD 1.x, 2.x, SDXL, DiT or SD3.

    What its scheduler does to predictions (clipping, thresholds) is left out, because what is
    composed would then be no score.

    Args:
        pipe: one of diffusers' pipelines, on its device and in its precision. Its adapters are
            switched on and off as they are needed.
        height: of the pictures, in pixels; the pipeline's own unless told.
        width: the same.
        chunk_size: the greatest number of latents in one call of the network, or of the decoder;
            where memory does not suffice it falls.

    Raises:
        UserError: its network or its scheduler is of no kind that is known, or the size is not one
            of its pictures.
    """

    def __init__(
        self,
        pipe: Any,
        height: int | None = None,
        width: int | None = None,
        chunk_size: int = 16,
    ) -> None:
        self.pipe = pipe
        self.network = Network(pipe)
        self.chunk_size = chunk_size
        self.loras: Loras = ()
        self._scale = 2 ** (len(pipe.vae.config.block_out_channels) - 1)
        config = self.network.model.config
        own = config.sample_size * self._scale
        self.size = (height or own, width or own)
        unit = self._scale * (config.get("patch_size") or 1)
        if any(side < 1 or side % unit for side in self.size):
            raise UserError(
                f"size: expected a height and a width that {unit} divides, got "
                f"{self.size[0]} x {self.size[1]}"
            )

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        device: str = "cpu",
        height: int | None = None,
        width: int | None = None,
        chunk_size: int = 16,
        scheduler: str | None = None,
        **settings: Any,
    ) -> "Pipeline":
        """The pipeline that ``save_pretrained`` has written; nothing is fetched.

        Args:
            folder: where it is.
            device: where it goes.
            height: of the pictures, as the class takes it.
            width: the same.
            chunk_size: as the class takes it.
            scheduler: a scheduler of diffusers, by its class, in the place of the pipeline's own.
            settings: what else ``from_pretrained`` takes, such as ``dtype``.

        Raises:
            UserError: there is no pipeline, one that is not known, or one without its tokenizers'
                files; or no such scheduler.
        """
        where = short(folder)
        with loading(
            f"{where}: expected the folder of a pipeline, as save_pretrained writes it",
            "copy it anew, or name another",
        ):
            pipe = diffusers.DiffusionPipeline.from_pretrained(  # pyright: ignore[reportPrivateImportUsage]
                str(folder), local_files_only=True, **settings
            )
        if scheduler is not None:
            pipe.scheduler = scheduler_named(scheduler, pipe.scheduler)
        pipe.set_progress_bar_config(disable=True)
        made = cls(pipe.to(device), height, width, chunk_size)
        parts = pipe.components
        for name, part in parts.items():
            encoder = parts.get(name.replace("tokenizer", "text_encoder"))
            if name.startswith("tokenizer") and part is not None and encoder is not None:
                check_vocabulary(f"{where}, {name}", part, encoder.config)
        return made

    def with_loras(self, loras: Mapping[str, float]) -> "Pipeline":
        """The same pipeline with adapters on, on the same weights.

        Args:
            loras: weights by the names that ``pipe.load_lora_weights`` gave them; none takes all
                adapters off.

        Raises:
            UserError: the pipeline has no such adapter.
        """
        for name in loras:
            if name not in self.known_loras:
                known = ", ".join(self.known_loras) or "none"
                raise UserError(
                    f"loras: expected adapters of the pipeline ({known}), got "
                    f"{short(name)}; load it: pipe.load_lora_weights(FOLDER, adapter_name=...)"
                )
        view = copy.copy(self)
        view.loras = tuple(sorted((name, float(weight)) for name, weight in loras.items()))
        return view

    @property
    def known_loras(self) -> list[str]:
        """The adapters that the network or a text encoder has, sorted."""
        listed = getattr(self.pipe, "get_list_adapters", dict)  # DiT's pipeline takes none
        return sorted({name for names in listed().values() for name in names})

    def prompt(self, text: str) -> Told:
        """The condition of a text, the empty one too; of DiT, of a class by name or by number.

        Raises:
            UserError: DiT has no such class.
        """
        with torch.no_grad():
            self._switch_encoders()
            parts = self.network.family.prompt(self.pipe, text, self.size)
        return Told(("prompt", text, *self.size), self.loras, self, parts)

    def nothing(self) -> Told:
        """What the pipeline guides away from: the empty prompt, SDXL's zeros, DiT's no class."""
        with torch.no_grad():
            self._switch_encoders()
            parts = self.network.family.nothing(self.pipe, self.size)
        return Told(("nothing", *self.size), self.loras, self, parts)

    def noise_levels(self, steps: int, scheduler: Any = None, **settings: Any) -> Levels:
        """The noise levels of a path, decreasing, shape ``(steps + 1,)``, float64.

        The first is infinite where the schedule begins at pure noise; the last is 0 or, of DDIM
        and PNDM as Stable Diffusion sets them, the lowest of training.

        Args:
            steps: their number.
            scheduler: whose; the pipeline's own unless told.
            settings: what else ``set_timesteps`` takes, such as ``mu``.

        Raises:
            UserError: there are no such levels, or the network predicts nothing at the first.
        """
        levels = noise_levels(scheduler or self.pipe.scheduler, steps, **settings)
        self.check_start(levels)
        return levels

    def check_start(self, levels: Levels) -> None:
        """Refuse levels that begin where the network's prediction says nothing of the sample.

        Raises:
            UserError: the first is infinite, and the network predicts the noise.
        """
        if levels[0].isinf() and self.network.schedule.prediction == "epsilon":
            raise UserError(
                "noise levels: expected a finite first one of a network that predicts the noise, "
                "got an infinite one, where it cannot know the sample; take another scheduler"
            )

    @property
    def dims(self) -> tuple[int, int, int]:
        """The shape of one latent."""
        height, width = (side // self._scale for side in self.size)
        return self.network.model.config.in_channels, height, width

    def start(self, noise: Samples, sigma: float) -> Samples:
        """The start at ``sigma``, for which the network is handed ``noise`` itself.

        Args:
            noise: standard normal, shape ``(batch, *dims)``.
            sigma: the first noise level; at an infinite one the start is the noise.
        """
        return self.network.schedule.start(noise, sigma)

    def latents(self, x: Samples, sigma: float = 0.0) -> Samples:
        """``x`` ``(batch, *dims)`` at the last noise level, as the pipeline has it: scaled."""
        level = torch.full((len(x),), sigma, device=x.device)
        return self.network.schedule.input(x, level)

    @torch.no_grad()
    def decode(self, latents: Samples) -> Pictures:
        """Pictures of latents ``(batch, *dims)``, in pieces that fit into the memory.

        Raises:
            DeviceError: the device's memory does not suffice for one picture.
        """
        vae = self.pipe.vae
        if vae.dtype == torch.float16 and vae.config.get("force_upcast"):  # it overflows
            vae.to(torch.float32)
        pieces = Halving(self.chunk_size)
        with memory_for(
            "decoding: expected a device whose memory holds the decoder and one picture, got too "
            "little; take a larger device, or smaller pictures"
        ):
            pixels = pieces(
                lambda size: torch.cat([self._decoded(part) for part in latents.split(size)]),
                len(latents),
            )
        return pixels.permute(0, 2, 3, 1).contiguous().numpy()

    def _decoded(self, latents: Samples) -> Tensor:
        """uint8 ``(batch, 3, height, width)``."""
        vae, config = self.pipe.vae, self.pipe.vae.config
        x = latents.to(vae.dtype) / config.scaling_factor
        if config.get("latents_mean") and config.get("latents_std"):
            mean, std = (
                torch.tensor(numbers).to(x)[:, None, None]
                for numbers in (config.latents_mean, config.latents_std)
            )
            x = x * std + mean
        x = x + (config.get("shift_factor") or 0.0)
        pixels = vae.decode(x, return_dict=False)[0].float()
        return ((pixels + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu()

    def _switch_encoders(self) -> None:
        """Have texts encoded with this pipeline's adapters."""
        for name, component in self.pipe.components.items():
            if name.startswith("text_encoder") and component is not None:
                adapters.switch(component, self.loras)
