"""A training of seconds: a tiny network on images that are made up."""

import numpy as np
import torch
from safetensors.torch import load_file

from projcomp.config.compute import TrainingCompute
from projcomp.config.learning import NetworkConfig, TrainingConfig, WandbConfig
from projcomp.config.samplers import SamplingConfig
from projcomp.data.dataset import RenderedImages
from projcomp.seeds import generator
from projcomp.settings.stages import TrainSettings
from projcomp.training.train import Machine, train


class FakeImages(RenderedImages):
    """Images whose label can be read off the pixels: places are (index, object) / 100."""

    def __init__(self, path, condition):
        rng = generator(0, "fake", path.stem)
        empty = path.stem == "empty"
        self._images = torch.from_numpy(rng.integers(0, 256, (20, 8, 8, 3), dtype=np.uint8))
        self._rows = torch.arange(20)
        self.num_objects = torch.zeros(20).long() if empty else torch.arange(20) % 3 + 1
        index = torch.arange(20)[:, None].expand(20, 3)
        objects = torch.arange(3)[None].expand(20, 3)
        self.labels = torch.stack([index, objects], 2) / 100
        self.condition = condition
        self.identity = f"{len(self._rows)} images"
        self.shape = (8, 8, 3)


def settings(**training) -> TrainSettings:
    return TrainSettings(
        seed=3,
        resolution=8,
        model="toy",
        condition="position",
        datasets={"single": 0.8, "empty": 0.2},
        images_seen=48,
        network=NetworkConfig(
            channels=4, multipliers=[1, 2], attention_resolutions=[], position_frequencies=4
        ),
        training=TrainingConfig(
            **{"batch_size": 4, "average_updates": 5, "precision": "fp32", "ramp_images": 8}
            | training
        ),
    )


def run(
    tmp_path,
    name="a",
    device="cpu",
    wandb=None,
    microbatch=None,
    checkpoint_minutes=1e-9,
    sample_images=1000,
    **training,
):
    compute = {"device": device, "microbatch": microbatch, "log_images": 8}
    compute |= {"checkpoint_minutes": checkpoint_minutes, "sample_images": sample_images}
    machine = Machine(
        # not validated: tests save more often than the config allows
        compute=TrainingCompute.model_construct(**{**TrainingCompute().model_dump(), **compute}),
        sampling=SamplingConfig(num_steps=2),
        wandb=wandb or WandbConfig(),
    )
    train(settings(**training), tmp_path, tmp_path / name, tmp_path / f"state_{name}", machine)
    return load_file(tmp_path / name / "weights.safetensors")
