"""A pipeline's network as a denoiser, shared by all that is asked of it."""

from collections.abc import Sequence
from typing import Any

import torch

from projcomp.adapters.diffusers import loras
from projcomp.adapters.diffusers.families import family_of, network_of
from projcomp.adapters.diffusers.schedule import schedule_of
from projcomp.adapters.diffusers.told import Told
from projcomp.diffusion.shapes import PerSample, Samples


class Network:
    """``E[x0 | x]`` by the network of a pipeline, whatever its precision, in that of ``x``.

    Args:
        pipe: one of diffusers' pipelines.

    Raises:
        UserError: its network or its scheduler is of no kind that is known.
    """

    def __init__(self, pipe: Any) -> None:
        self.pipe = pipe
        self.family = family_of(pipe)
        self.schedule = schedule_of(pipe.scheduler)
        self.model = network_of(pipe)

    def __call__(self, x: Samples, sigma: PerSample, told: Sequence[Told]) -> Samples:
        """Denoised ``x`` ``(batch, *dims)``, each sample under its own condition.

        One call of the network where conditions have parts of equal shapes and their adapters go
        into one batch; else a call for each kind of them.
        """
        inputs, steps = self.schedule.input(x, sigma), self.schedule.steps(sigma)
        kinds: dict[object, list[int]] = {}
        mixes = loras.can_mix(self.model, [one.loras for one in told])
        for row, one in enumerate(told):
            kinds.setdefault((one.shapes, None if mixes else one.loras), []).append(row)
        if len(kinds) == 1:
            prediction = self._predict(inputs, steps, told)
        else:
            rows = list(kinds.values())
            parts = [self._predict(inputs[i], steps[i], [told[row] for row in i]) for i in rows]
            order = torch.tensor([row for some in rows for row in some], device=x.device)
            prediction = torch.cat(parts)[order.argsort()]
        return self.schedule.denoised(prediction.to(x.dtype), x, sigma)

    def _predict(self, inputs: Samples, steps: PerSample, told: Sequence[Told]) -> Samples:
        """The network's prediction for conditions of equal shapes; a learned variance dropped."""
        parts = {name: torch.stack([one.parts[name] for one in told]) for name in told[0].parts}
        rows = [one.loras for one in told]
        inputs = inputs.to(self.model.dtype)
        if len(set(rows)) == 1:
            loras.switch(self.model, rows[0])
            prediction = self.family.predict(self.model, inputs, steps, parts)
        else:
            with loras.mixed(self.model, rows):
                prediction = self.family.predict(self.model, inputs, steps, parts)
        return prediction[:, : inputs.shape[1]]
