"""Cases of prompts, and what pipelines are told of them."""

import hashlib
import re

from projcomp.config.conditions import CASE
from projcomp.config.experiments import ComposedConfig, ExperimentConfig, RequestConfig
from projcomp.config.pipelines import PROMPT
from projcomp.settings.case import Case, Wanted

MOST_LETTERS = 40
"""Of the prompts in a case's name, which is the name of a file."""


def prompt_case(prompts: list[str]) -> Case:
    """The case of some prompts, named after them: by words, and by a check sum that tells all."""
    words = "_".join(re.sub(r"[^a-z0-9]+", "-", prompt.lower()).strip("-") for prompt in prompts)
    total = hashlib.sha256("\n".join(prompts).encode()).hexdigest()[:8]
    name = "-".join(part for part in (words[:MOST_LETTERS].strip("-_"), total) if part)
    return Case(name=name, asked=[Wanted(told={PROMPT: prompt}, avoided={}) for prompt in prompts])


def asked_prompts(case: Case) -> list[str]:
    """The prompts of a case, in order."""
    return [str(wanted.told[PROMPT]) for wanted in case.asked]


def listed(entry: RequestConfig) -> list[ComposedConfig]:
    """What is composed; of pipelines the conditionals are one model that is told the case."""
    if entry.prompts is not None and entry.conditionals is not None:
        return [ComposedConfig.model_validate({"model": entry.conditionals, "told": CASE})]
    return entry.composed or []


def told_of(chosen: ComposedConfig, case: Case) -> list[str]:
    """The prompts that a pipeline is told, each by itself; none where it is told nothing."""
    if isinstance(chosen.told, dict):
        return [str(chosen.told[PROMPT])]
    if chosen.told != CASE:
        return []
    prompts = asked_prompts(case)
    return prompts if chosen.joined is None else [f" {chosen.joined} ".join(prompts)]


def judged_prompts(entry: ExperimentConfig, case: Case) -> list[str]:
    """What the pictures of a case should show, each prompt once.

    That is what is composed with a weight above 0; of prompts joined to one, each of them.
    """
    shown: list[tuple[list[str], float]] = []  # of every distribution in order, with its weight
    for chosen in listed(entry):
        each = [[text] for text in told_of(chosen, case)] or [[]]
        parts = each if chosen.joined is None else [asked_prompts(case)]
        shown += [(prompts, chosen.weight) for prompts in parts]
    weights = entry.operator.listed_weights(len(shown))
    kept = [
        text
        for (prompts, own), weight in zip(shown, weights, strict=True)
        if own * weight > 0
        for text in prompts
    ]
    return list(dict.fromkeys(kept))
