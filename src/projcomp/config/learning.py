"""What is learned: the networks, their training, the models and the detector."""

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from projcomp.conditions.kinds import KINDS, NONE
from projcomp.config.conditions import NamedCondition
from projcomp.config.features import FeatureMap
from projcomp.config.section import Number, Section, Text, Whole, drop_none

BLOB_WIDTH = 0.047
"""Standard deviation of the blob of a map, as a share of the image side: 1.5 pixels of 32."""


class NetworkConfig(Section):
    """The EDM2 U-Net (Karras et al. 2024); XS has 128 channels, [1, 2, 3, 4], 3 blocks."""

    channels: Whole = Field(16, ge=4, le=4096, description="base channels")
    multipliers: list[Annotated[Whole, Field(ge=1, le=64)]] = Field(
        [1, 2, 4],
        min_length=1,
        max_length=10,
        description="channel multiplier of each level; the resolution halves between levels",
    )
    blocks: Whole = Field(1, ge=1, le=64, description="residual blocks per level")
    attention_resolutions: list[Whole] = Field(
        [8],
        description="resolutions at which blocks attend over the image; an empty list also leaves "
        "out EDM2's two blocks in the middle, the first of which attends at any resolution",
    )
    conditioning: Literal["embedding", "map", "both"] = Field(
        "embedding",
        description="how a network receives its condition: by the embedding, which acts on every "
        "pixel (the papers'), by channels beside the image (a blob at a location, constant planes "
        "for a colour), or by both",
    )
    blob_width: Number = Field(
        BLOB_WIDTH,
        gt=0,
        le=1,
        description="standard deviation of the blob at a requested location, as a share of the "
        "image side",
    )
    position_frequencies: Whole = Field(
        32, ge=1, le=4096, description="Fourier features per coordinate of a requested location"
    )
    position_bandwidth: Number = Field(
        4.0,
        ge=1e-3,
        le=1e3,
        description="standard deviation of those frequencies, cycles per image side",
    )
    coordinate_planes: bool = Field(
        True,
        description="feed Fourier features of the pixel coordinates with the image (not in EDM2)",
    )
    sigma_data: Number = Field(
        0.5,
        ge=1e-3,
        le=1e3,
        description="standard deviation of the data assumed by the preconditioning",
    )

    @property
    def by_map(self) -> bool:
        """Whether channels beside the image say what is asked for."""
        return self.conditioning != "embedding"

    @property
    def by_embedding(self) -> bool:
        """Whether the embedding says what is asked for."""
        return self.conditioning != "map"

    @property
    def reach(self) -> int | None:
        """How many pixels away a change of the input can change the output; None: anywhere.

        A level of half the resolution sees twice as far, and one pixel more by the pooling. An
        embedded condition reaches every pixel all the same.
        """
        if self.attention_resolutions:
            return None
        lowest, reach = len(self.multipliers) - 1, 0
        for level in range(lowest, -1, -1):
            # convolutions of 3 x 3 on the way there and back, two of them in every block
            resampling = (level > 0) + (level < lowest)
            blocks = self.blocks + resampling + self.blocks + 1
            below = 0 if level == lowest else 2 * reach + 1
            reach = below + 2 * blocks
        return reach + 2  # the first and the last convolution

    def sees(self, resolution: int) -> int | None:
        """Pixels that it sees of pictures of this side; None for the whole picture."""
        reach = self.reach
        return None if reach is None or reach >= resolution - 1 else reach

    def work(self, resolution: int) -> float:
        """Multiply-adds of one image of ``resolution`` pixels' side, about: to order trainings."""
        total = 0.0
        for side, width, convolutions, attending in self._levels(resolution):
            total += side**2 * width * (9 * convolutions * width)
            total += attending * side**2 * width * (4 * width + 2 * side**2)
        return total

    def num_weights(self, resolution: int) -> float:
        """Number of weights, about: skips widen a decoder's convolutions by two fifths."""
        return sum(
            1.4 * width**2 * (9 * convolutions + 4 * attending)
            for _, width, convolutions, attending in self._levels(resolution)
        )

    def num_activations(self, resolution: int) -> float:
        """Numbers that the convolutions of one image put out."""
        return sum(
            side**2 * width * (convolutions + attending)
            for side, width, convolutions, attending in self._levels(resolution)
        )

    def _levels(self, resolution: int) -> Iterator[tuple[int, int, int, int]]:
        """Of each level: side, channels, convolutions of 3 x 3, blocks that attend."""
        for level, multiplier in enumerate(self.multipliers):
            side, width = resolution >> level, self.channels * multiplier
            # two convolutions of 3 x 3 in an encoder's block, three in a decoder's with its skip
            convolutions = 2 * self.blocks + 3 * (self.blocks + 1)
            attending = (2 * self.blocks + 1) * (side in self.attention_resolutions)
            if self.attention_resolutions and level == len(self.multipliers) - 1:
                convolutions, attending = convolutions + 4, attending + 1  # those in the middle
            yield side, width, convolutions, attending


class TrainingConfig(Section):
    """How the diffusion models are trained (EDM2, with the paper's two changes)."""

    batch_size: Whole = Field(64, ge=1, le=1_000_000, description="images per update")
    learning_rate: Number = Field(0.06, gt=0, le=10, description="reference learning rate of Adam")
    ramp_images: Whole = Field(
        2_000, ge=0, le=1_000_000_000_000, description="images of linear learning-rate ramp"
    )
    decay_updates: Whole = Field(
        600,
        ge=1,
        le=1_000_000_000_000,
        description="updates after which the learning rate decays as 1/sqrt",
    )
    cooldown: Number = Field(
        0.0,
        ge=0,
        le=1,
        exclude_if=lambda share: share == 0,
        description="share of the updates, the last ones, over which the learning rate is brought "
        "to zero; 0 for EDM2's schedule",
    )
    sigma_log_mean: Number = Field(-0.8, ge=-20, le=20, description="mean of ln(sigma) in training")
    sigma_log_std: Number = Field(
        1.6, gt=0, le=10, description="standard deviation of ln(sigma) in training"
    )
    condition_dropout: Number = Field(
        0.1,
        ge=0,
        lt=1,
        description="share of draws whose condition is dropped; trains the unconditional model",
    )
    average_updates: Whole = Field(
        256,
        ge=1,
        le=1_000_000_000,
        description="the result is the average of the weights of the last this many updates, "
        "but of no more than half of the training (paper: 4096)",
    )
    precision: Literal["bf16", "fp32"] = Field(
        "bf16",
        description="arithmetic of the forward and backward pass; weights stay fp32; bf16 is fp32 "
        "where the device has no arithmetic for it (CPUs without AMX and AVX512-BF16)",
    )


Shares = Annotated[dict[str, Annotated[Number, Field(gt=0)]], BeforeValidator(drop_none)]
"""Datasets, each with its share of the draws."""


def _by_itself(value: object) -> object:
    """The name of one dataset stands for all of the draws from it."""
    return {value: 1.0} if isinstance(value, str) else value


class ModelConfig(Section):
    """One diffusion model, a network or an exact one; its name is the key under ``models``.

    A network has `datasets` and `images_seen`. An exact model has `exact`: it answers with the
    posterior of these renders themselves, what a perfect network would do, and is never trained.
    """

    datasets: Shares = Field(
        {},
        description="of a network: datasets it learns from, each with its share of the draws; "
        "images without objects get the condition 'empty'",
    )
    condition: NamedCondition = Field(
        description=f"what it is conditioned on: {NONE}, something about one object "
        f"({', '.join(KINDS)}) or a label of pictures from files, or a list of such things about "
        "one and the same object"
    )
    images_seen: Whole | None = Field(
        None,
        ge=1,
        le=1_000_000_000_000,
        description="of a network: length of the training, in images",
    )
    exact: Annotated[Shares, BeforeValidator(_by_itself, json_schema_input_type=Shares | str)] = (
        Field(
            {},
            description="of an exact model: a dataset, or datasets with their shares as a network "
            "would draw them",
        )
    )
    bandwidth: Number = Field(
        0.03,
        gt=0,
        le=2,
        description="of an exact model of places, and of a network's exact twin: how near an "
        "object's centre lies to a requested place, as a share of the image side",
    )
    window: Whole | None = Field(
        None,
        ge=1,
        le=2047,
        description="of an exact model: side of the window, pixels and odd, whose content every "
        "pixel follows; nothing for the whole picture's",
    )
    network: NetworkConfig | None = Field(
        None,
        exclude_if=lambda chosen: chosen is None,
        description="of a network: settings of `network` that are others in this model",
    )
    features: FeatureMap | None = Field(
        None,
        exclude_if=lambda chosen: chosen is None,
        description="map in front of the model, which then learns and samples its channels; "
        "nothing for RGB; the models of one experiment have the same",
    )

    @property
    def sources(self) -> dict[str, float]:
        """Datasets whose images it knows, with their shares."""
        return self.exact or self.datasets


Mild = Literal["blur", "noise", "tone", "tint", "fade", "dark"]
"""What a sample may differ by from a render, and what is counted all the same."""

Doubtful = Literal["ghost", "half", "merge", "smear", "static"]
"""What a sample may show that is no whole object, and should make the detector unsure."""

MILD: tuple[Mild, ...] = get_args(Mild)
DOUBTFUL: tuple[Doubtful, ...] = get_args(Doubtful)


class DetectorConfig(Section):
    """The object detector that counts: a small convolutional network."""

    dataset: Text = Field("counting", description="dataset it is trained and checked on")
    holdout: Whole = Field(
        1000,
        ge=1,
        le=1_000_000_000,
        description="images at the end of the dataset kept for checking",
    )
    channels: Whole = Field(32, ge=4, le=4096, description="base channels")
    images_seen: Whole = Field(
        80_000, ge=1, le=1_000_000_000_000, description="length of the training, in images"
    )
    batch_size: Whole = Field(64, ge=1, le=1_000_000, description="images per update")
    learning_rate: Number = Field(2e-3, gt=0, le=10, description="peak learning rate of AdamW")
    threshold: Number = Field(
        0.3, ge=0.01, le=0.99, description="least height of a heatmap peak that counts as an object"
    )
    doubt: Number = Field(
        0.01,
        gt=0,
        le=0.5,
        description="share of held-out renders of which it may be unsure: as much doubt as the "
        "others have is allowed",
    )
    augmentations: list[Mild | Doubtful] = Field(
        [*MILD, *DOUBTFUL],
        description="what its training images are changed by: blur to dark are counted all the "
        "same, ghost to static are to be unsure of",
    )


class WandbConfig(Section):
    """Logging to Weights & Biases, beside the CSV."""

    enabled: bool = Field(False, description="log training to wandb too (needs the wandb extra)")
    mode: Literal["offline", "online"] = Field(
        "offline", description="offline writes to the run folder only"
    )
    project: Text = Field("projcomp", description="project name there")
