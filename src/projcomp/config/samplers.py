"""The samplers' settings; a bare name in the config stands for the defaults.

A sampler is a predictor, which goes from noise level to noise level, with a corrector, swarms and a
filter where they are wanted. ``sampling/samplers.py`` makes them.
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field

from projcomp.config.from_file import FromFile
from projcomp.config.section import Named, Number, Section, Unit, Whole, by_name, defaults


class SamplerSection(Named):
    """What every sampler says of itself."""

    injects_noise: ClassVar[bool] = False
    """Whether its steps inject noise, by which copies of a particle part."""

    @property
    def unweighed(self) -> str | None:
        """Why no weights can be kept along its steps: the key, expected, because, got; or None."""
        return None

    @property
    def lessens_noise(self) -> tuple[str, float] | None:
        """The setting, and its value, by which noise is less than the reverse SDE's."""
        return None

    def problem(self) -> str | None:
        """What is wrong within its settings: the key, expected, got; or None."""
        return None


class Heun(SamplerSection):
    """EDM's sampler on the ODE, two evaluations a step; churned where ``churn`` is above 0."""

    name: Literal["heun"] = "heun"
    churn: Number = Field(
        0.0,
        ge=0,
        le=0.4142,
        description="share by which the noise is raised before a step (EDM's S_churn over the "
        "number of steps)",
    )
    churn_min: Number = Field(0.0, ge=0, description="least noise level that is churned")
    churn_max: Number | None = Field(
        None, gt=0, description="greatest noise level that is churned; nothing for no bound"
    )
    churn_noise: Number = Field(
        1.0, ge=0, le=100, description="standard deviation of churn's noise"
    )

    @property
    def unweighed(self) -> str | None:
        """Churn raises the noise before a step, which then starts elsewhere than the last ended."""
        if self.churn == 0:
            return None
        return (
            "sampler.churn: expected 0, because a swarm's weights need steps that follow each "
            f"other, got {self.churn:g}; set sampler to sde"
        )

    def problem(self) -> str | None:
        """A window of churn that is none."""
        if self.churn and self.churn_max is not None and self.churn_min > self.churn_max:
            return (
                f"churn_min: expected at most churn_max = {self.churn_max:g}, got "
                f"{self.churn_min:g}: nothing would ever be churned"
            )
        return None


class Euler(SamplerSection):
    """DDIM: first order on the ODE."""

    name: Literal["euler"] = "euler"


class Sde(SamplerSection):
    """The reverse SDE with exact variances."""

    name: Literal["sde"] = "sde"
    noise_share: Number = Field(
        1.0, ge=1e-6, le=1, description="share of the SDE's noise; towards 0 it becomes the ODE"
    )

    injects_noise: ClassVar[bool] = True

    @property
    def lessens_noise(self) -> tuple[str, float] | None:
        """A share of the SDE's noise."""
        return ("noise_share", self.noise_share) if self.noise_share != 1 else None


class Ancestral(SamplerSection):
    """DDPM's sampler: noise of a lesser variance than the SDE's."""

    name: Literal["ancestral"] = "ancestral"
    data_std: Number = Field(
        0.0,
        ge=0,
        le=1e4,
        description="standard deviation of Gaussian data that its steps are exact for; 0 is DDPM's "
        "own, and that of the estimator detailed_balance is the one it is derived for",
    )

    injects_noise: ClassVar[bool] = True


class SamplerFromFile(FromFile, SamplerSection):
    """A sampler of your own, from a file with the function `sampler` or `predictor`.

    `sampler(score, x, sigma, sigma_next, noise, ...)` moves `x` `(batch, *dims)` to the next noise
    level; `score(x, sigma)` is the composed score and `noise()` standard normal noise.
    `predictor(...)` makes a predictor of the library.
    """

    name: Literal["own"] = "own"

    @property
    def unweighed(self) -> str | None:
        """Nobody knows the law of its steps."""
        return (
            "swarm: expected none with sampler own, because weights need steps whose law is known, "
            "got a swarm; leave it out"
        )


AnySampler = Heun | Euler | Sde | Ancestral | SamplerFromFile
Sampler = Annotated[
    AnySampler,
    Field(discriminator="name"),
    BeforeValidator(by_name, json_schema_input_type=AnySampler | str),
]
"""A predictor with its settings, told apart by ``name``."""

SAMPLERS: tuple[type[SamplerSection], ...] = get_args(AnySampler)


class _Kernel(Section):
    """A Markov chain run after every step that ends in a window of noise levels."""

    steps: Whole = Field(1, ge=1, le=1000, description="steps per noise level")
    sigma_min: Number = Field(0.0, ge=0, description="least noise level it runs at")
    sigma_max: Number | None = Field(
        None, gt=0, description="greatest noise level it runs at; nothing for no bound"
    )

    @property
    def moves(self) -> int:
        """Evaluations of the score at a noise level, about."""
        return self.steps


class Langevin(_Kernel):
    """Unadjusted Langevin steps."""

    name: Literal["langevin"] = "langevin"
    step_size: Number = Field(0.05, gt=0, lt=1, description="in units of the noise variance")


class Mala(_Kernel):
    """Langevin steps that are accepted or not."""

    name: Literal["mala"] = "mala"
    step_size: Number = Field(0.05, gt=0, lt=1, description="in units of the noise variance")


class Hmc(_Kernel):
    """Hamiltonian trajectories that are accepted or not; ``steps`` counts trajectories."""

    name: Literal["hmc"] = "hmc"
    step_size: Number = Field(0.1, gt=0, lt=2, description="leapfrog step over the noise level")
    leapfrog: Whole = Field(3, ge=1, le=1000, description="leapfrog steps per trajectory")
    keep: Number = Field(
        0.0, ge=0, lt=1, description="share of the momentum kept between trajectories"
    )

    @property
    def moves(self) -> int:
        """Evaluations of the score at a noise level, about."""
        return self.steps * self.leapfrog


AnyCorrector = Langevin | Mala | Hmc
Corrector = Annotated[
    AnyCorrector,
    Field(discriminator="name"),
    BeforeValidator(by_name, json_schema_input_type=AnyCorrector | str),
]
"""A corrector with its settings, told apart by ``name``."""


class Swarm(Section):
    """Sequential Monte Carlo: a swarm of particles per sample, resampled by their weights.

    Steps that end outside the window of noise levels weigh nothing, and nothing is resampled there.
    """

    particles: Whole = Field(
        8, ge=2, le=4096, description="particles per sample, each of a sample's cost"
    )
    threshold: Unit = Field(
        0.5, description="resample when the effective size is below this share of the particles"
    )
    sigma_min: Number = Field(
        0.0,
        ge=0,
        exclude_if=lambda level: level == 0,
        description="least noise level at which a step that is weighed ends",
    )
    sigma_max: Number | None = Field(
        None,
        gt=0,
        exclude_if=lambda level: level is None,
        description="greatest noise level at which one ends; nothing for no bound",
    )


class CompLift(Section):
    """A filter: accepts the samples that every condition explains better than no condition.

    Nothing is thrown away: the summary has the accepted share, and the table `selected` the
    success among the accepted and what each of them costs.
    """

    num_levels: Whole = Field(
        16, ge=1, le=10_000, description="noise levels at which samples are denoised"
    )
    sigma_min: Number = Field(0.1, ge=1e-6, le=1e6, description="least of them")
    sigma_max: Number = Field(5.0, ge=1e-6, le=1e6, description="greatest of them")


class LineDensities(Section):
    """How likely finished samples are under each composed model, by a path that no sampler made.

    Samples are noised along straight lines, and every model's log-density is integrated down them;
    the table `densities` has its gap between the models beside the one that a superposition
    followed. It needs derivatives of the models: an evaluation costs two to three.
    """

    num_levels: Whole = Field(
        40,
        ge=2,
        le=10_000,
        description="noise levels of a line, equal ratios apart, from the path's greatest to its "
        "least above zero",
    )
    num_lines: Whole = Field(
        2,
        ge=2,
        le=1_000,
        description="lines for every sample, which differ by their noise and probes",
    )

    def levels(self, greatest: float, least: float) -> list[float]:
        """The levels of a line, decreasing."""
        ratio = (least / greatest) ** (1 / (self.num_levels - 1))
        return [greatest * ratio**number for number in range(self.num_levels)]


class SamplingConfig(Section):
    """The EDM sampler (Karras et al. 2022) and how its work is cut into pieces."""

    sampler: Sampler = Field(
        default_factory=defaults(Heun),
        description="reverse process: heun (two evaluations a step) or euler (DDIM) on the ODE, "
        "the sde, or DDPM's ancestral sampler",
    )
    corrector: Corrector | None = Field(
        None, description="Markov chain run at the noise levels between the steps"
    )
    swarm: Swarm | None = Field(None, description="particles per sample, resampled by weights")
    complift: CompLift | None = Field(None, description="filter that accepts samples or not")
    densities: LineDensities | None = Field(
        None,
        exclude_if=lambda densities: densities is None,
        description="how likely the samples are under each composed model, measured apart from "
        "the sampler",
    )
    num_steps: Whole = Field(18, ge=1, le=10_000, description="number of noise levels above zero")
    sigma_min: Number = Field(0.01, ge=1e-6, le=1e6, description="least noise level above zero")
    sigma_max: Number = Field(20.0, ge=1e-6, le=1e6, description="noise level of the start")
    rho: Number = Field(7.0, ge=0.1, le=100, description="spacing of the noise levels")
    chunk_size: Whole = Field(
        128,
        ge=1,
        le=65_536,
        description="images per network evaluation, halved where a GPU's memory does not suffice; "
        "a CPU is fastest while they fit into its caches",
    )
    precision: Literal["bf16", "fp32"] = Field(
        "bf16",
        description="arithmetic of the network; the sampler's state stays fp32; bf16 is fp32 where "
        "the device has no arithmetic for it (CPUs without AMX and AVX512-BF16)",
    )

    def levels_after_the_first(self) -> Iterator[float]:
        """The noise levels above zero but for the start, decreasing, as ``edm_sigmas`` has them.

        Every dry run asks for them, and must not wait for torch.
        """
        high, low = (level ** (1 / self.rho) for level in (self.sigma_max, self.sigma_min))
        last = self.num_steps - 1
        for number in range(1, last):
            yield (high + number / last * (low - high)) ** self.rho
        if last:
            yield self.sigma_min

    def levels_of(self, part: AnyCorrector | Swarm) -> list[float]:
        """The levels of the path that lie in the window of ``part``, but for the start."""
        high = self.sigma_max if part.sigma_max is None else part.sigma_max
        return [level for level in self.levels_after_the_first() if part.sigma_min <= level <= high]
