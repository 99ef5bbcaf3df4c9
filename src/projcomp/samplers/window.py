"""Windows of noise levels: where a part of a sampler acts."""


class Windowed:
    """A part that acts after the steps that end at a level from ``sigma_min`` to ``sigma_max``.

    A step belongs to the level that it ends at: of two windows that meet between two levels, each
    step is in one.
    """

    sigma_min: float
    sigma_max: float

    def runs_at(self, sigma: float) -> bool:
        """Whether it acts after a step that ends at ``sigma``; never at 0."""
        return sigma > 0 and self.sigma_min <= sigma <= self.sigma_max
