"""The papers' exact experiments: one row each, and how large they are.

An experiment is measured by ``theory/<name>.py`` and drawn by ``reporting/exact/<name>.py``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from projcomp.config.section import Section, Whole


@dataclass(frozen=True)
class ExactExperiment:
    """One exact experiment.

    Attributes:
        format: raised by hand when it measures something else than before.
        figure_format: raised by hand when its figure is drawn in another way.
        caption: what its figure shows, for the report.
        trains: whether it trains small networks.
    """

    format: int
    figure_format: int
    caption: str
    trains: bool = False


EXACT = {
    "backgrounds": ExactExperiment(
        format=5,
        figure_format=5,
        caption=(
            "Bradley et al. 2025, Fig. 11 and section E.2, show that one-hot conditionals compose "
            "over an empty background and not over the unconditional distribution, that among "
            "independent clutter both do, and that the unconditional distribution then comes near "
            "the background. The lines below the panels say, by the criterion in each, whether our "
            "numbers agree."
        ),
    ),
    "rotations": ExactExperiment(
        format=5,
        figure_format=5,
        caption=(
            "Bradley et al. 2025, Fig. 12, show that two-cluster mixtures compose by diffusion "
            "when axis-aligned or turned by an orthogonal map, and after another linear map only "
            "by Langevin dynamics at t = 0. Circles: the four clusters of the true composition. "
            "The lines below the panels say whether our numbers agree."
        ),
    ),
    "lost_modes": ExactExperiment(
        format=6,
        figure_format=5,
        caption=(
            "Bradley et al. 2025, Fig. 14 and Lemma 7.2, show that after a non-orthogonal map "
            "diffusion loses two of the four composed clusters, because the path of compositions "
            "jumps close to no noise. Clusters of the truth are drawn shifted, beside the samples. "
            "The lines below the panels say whether our numbers agree."
        ),
    ),
    "colored_squares": ExactExperiment(
        format=5,
        figure_format=5,
        trains=True,
        caption=(
            "Bradley et al. 2025, Fig. 13, show that red, green and blue squares compose, which "
            "change different channels of a picture, and that red with yellow, which share one, "
            "does not; and remark (section 7) that predictor-correctors do not change that. "
            "Pictures are drawn by the mean colour of each of their four places, of the first "
            "training where there are several. Networks are trained anew for every seed, with a "
            "norm over each pixel's channels and with one over the picture; lower left, each mark "
            "is the share of one training, in the colours of the panel above. The lines below the "
            "panels say whether our numbers agree."
        ),
    ),
    "disjoint_sets": ExactExperiment(
        format=5,
        figure_format=5,
        trains=True,
        caption=(
            "Skreta et al. 2025, Fig. 2, show that of two models of disjoint sets averaged scores "
            "sample neither set, OR samples both, and AND, in its published form, samples where "
            "both are equally likely; the corrected form and sets of different widths are ours. "
            "The lines below the panels say whether our numbers agree."
        ),
    ),
    "density_estimators": ExactExperiment(
        format=6,
        figure_format=5,
        caption=(
            "Skreta et al. 2025, Theorem 1 and Proposition 5, give estimators of the log-density "
            "along a path. How their errors fall with the number of steps is ours: Ito's as its "
            "inverse square root. So is the detailed balance shown, which is told the components' "
            "standard deviation; that of their appendix D is Ito's estimator. The lines below the "
            "panels say whether our numbers agree."
        ),
    ),
    "repair": ExactExperiment(
        format=5,
        figure_format=5,
        caption=(
            "Of ours: whether the interaction of the score deltas predicts the error of a "
            "composition over a family of mixtures turned from orthogonal to nearly parallel "
            "(Bradley et al. 2025, Lemmas 7.1 and 7.2, show that orthogonal ones compose and "
            "others need not), and which methods repair a failing one at equal numbers of "
            "evaluations. The lines below the panels say which of the claims hold."
        ),
    ),
    "frames": ExactExperiment(
        format=1,
        figure_format=1,
        caption=(
            "Skreta et al. 2025 compose models of proteins, chains of frames with a translation "
            "and a rotation each. Of ours: exact mixtures of two frames on R^3 x SO(3), by OR and "
            "AND, against the number of steps, with independent noise and with the two choices of "
            "the published code: one and the same noise for translations and rotations, and noise "
            "scaled by 0.1. The lines below the panels say which of the claims hold."
        ),
    ),
}
"""All of them, by name, in the order of the report."""

if TYPE_CHECKING:
    TheoryExperiment = str
else:
    TheoryExperiment = Literal[tuple(EXACT)]
    """The name of one of them."""


class TheoryConfig(Section):
    """The papers' experiments on exact distributions, without a picture of CLEVR's."""

    experiments: list[TheoryExperiment] = Field(
        list(EXACT), description="which of them are run; [] runs none"
    )
    num_samples: Whole = Field(
        500,
        ge=32,
        le=1_000_000,
        description="samples per seed of every distribution that is measured",
    )
    num_seeds: Whole = Field(
        5,
        ge=2,
        le=10_000,
        description="repetitions; every number comes with its interval over them",
    )
    num_steps: Whole = Field(
        100, ge=4, le=10_000, description="noise levels above zero of the reverse processes"
    )
    num_updates: Whole = Field(
        4_000,
        ge=1,
        le=1_000_000_000,
        description="updates of the small networks of two of the experiments",
    )
