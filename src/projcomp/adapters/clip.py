"""CLIP as a judge: the cosine of a picture's embedding and a text's (Radford et al. 2021)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from projcomp.adapters.loading import check_vocabulary, loading
from projcomp.errors import UserError
from projcomp.extras import missing
from projcomp.words import quoted, short

try:
    from transformers import AutoTokenizer, CLIPModel
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(missing(error) or str(error), name=error.name) from None

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Of CLIP's training pictures, by channel; what a folder says of its own goes before."""


class Clip:
    """A CLIP model with its tokenizer.

    Args:
        model: transformers' ``CLIPModel``, on its device.
        tokenizer: its own.
        mean: of its pictures by channel, in [0, 1].
        std: the same.
    """

    def __init__(
        self, model: Any, tokenizer: Any, mean: tuple[float, ...] = MEAN, std: tuple = STD
    ) -> None:
        self.model, self.tokenizer = model.eval(), tokenizer
        self.mean, self.std = (torch.tensor(numbers)[:, None, None] for numbers in (mean, std))

    @classmethod
    def load(cls, folder: str | Path, device: torch.device | str = "cpu") -> "Clip":
        """What ``save_pretrained`` has written; nothing is fetched, and no pickle is read.

        Raises:
            UserError: there is no such model, or its tokenizer is not there.
        """
        where = short(folder)
        with loading(
            f"{where}: expected the folder of a CLIP model and its tokenizer, as save_pretrained "
            "writes them",
            "copy it anew, or name another",
        ):
            loaded: Any = CLIPModel.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True, output_loading_info=True
            )
            model, found = loaded
            if found["missing_keys"]:  # which transformers fills with random numbers
                raise ValueError(f"no weights of {min(found['missing_keys'])}")
            tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
            file = Path(folder) / "preprocessor_config.json"
            told = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
            mean, std = told.get("image_mean", MEAN), told.get("image_std", STD)
        check_vocabulary(where, tokenizer, model.config.text_config)
        return cls(model.to(device), tokenizer, tuple(mean), tuple(std))

    @torch.no_grad()
    def scores(
        self, images: NDArray[np.uint8], prompts: list[str], chunk_size: int = 32
    ) -> NDArray[np.float32]:
        """A hundred times the cosines ``(N, P)`` of pictures and prompts.

        Args:
            images: uint8 ``(N, H, W, 3)``.
            prompts: P texts.
            chunk_size: pictures at once.

        Raises:
            UserError: a prompt is longer than the model reads.
        """
        tokens = self.tokenizer(prompts, padding=True, return_tensors="pt")
        most = self.model.config.text_config.max_position_embeddings
        if tokens["input_ids"].shape[1] > most:
            longest = max(prompts, key=len)
            raise UserError(
                f"evaluation.judge: expected prompts of at most {most} tokens, which is what the "
                f"CLIP model reads, got {quoted(longest)}; shorten it"
            )
        told = {name: tokens[name].to(self.model.device) for name in tokens}
        told = {name: told[name] for name in ("input_ids", "attention_mask")}
        found = []
        for start in range(0, len(images), chunk_size):
            pixels = self.pixels(images[start : start + chunk_size]).to(self.model.device)
            out = self.model(**told, pixel_values=pixels.to(self.model.dtype))
            found.append((out.image_embeds @ out.text_embeds.T).float().cpu())  # of length 1
        return 100 * torch.cat(found).numpy()

    def pixels(self, images: NDArray[np.uint8]) -> Tensor:
        """Pictures as the model sees them, ``(N, 3, side, side)``.

        The shorter side is resized (bicubic), and the middle is taken.
        """
        side = self.model.config.vision_config.image_size
        height, width = images.shape[1:3]
        scaled = [int(side * length / min(height, width)) for length in (width, height)]
        left, top = (max(0, (length - side) // 2) for length in scaled)
        seen = []
        for image in images:
            small = Image.fromarray(image).resize((scaled[0], scaled[1]), Image.Resampling.BICUBIC)
            seen.append(np.asarray(small)[top : top + side, left : left + side])
        values = torch.from_numpy(np.stack(seen)).permute(0, 3, 1, 2).float() / 255
        return (values - self.mean) / self.std
