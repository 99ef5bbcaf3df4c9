"""Which of the places that are composed meet in the picture, or have nothing learned at them."""

from itertools import combinations

from projcomp.plan.place_checks import beyond_the_ground
from projcomp.plan.places import place_set
from projcomp.plan.plan import Plan
from projcomp.scenes.overlaps import gaps
from projcomp.settings.stages import model_names


def meetings(plan: Plan) -> list[tuple[str, bool]]:
    """A line for every set of places that is composed, and whether something is odd about it.

    It names the pairs that experiments compose and whose objects can overlap in the picture, and
    the places at which no model has learned an object.
    """
    scene, asked = plan.config.scene, {}
    for experiment in plan.run.experiments.values():
        for case in experiment.cases.values():
            if len(case.locations) > 1:
                at = (experiment.places.points.index(point) for point in case.locations)
                asked.setdefault(experiment.places.name, set()).update(combinations(sorted(at), 2))
    lines = []
    for name, pairs in asked.items():
        least = gaps(
            place_set(plan.config, name).points, scene.shapes, scene.sizes, scene.camera_jitter
        )
        meet = [f"p{i + 1}-p{j + 1}" for i, j in sorted(pairs) if least[i, j] < 0]
        which = f" ({', '.join(meet)})" if meet else ""
        beyond = ", ".join(f"p{i + 1}" for i in _never_learned(plan, name))
        line = (
            f"places {name}: of {len(pairs)} composed pairs {len(meet) or 'none'} can overlap in "
            f"the picture{which}{f'; no model has learned an object at {beyond}' if beyond else ''}"
        )
        lines.append((line, bool(meet or beyond)))
    return lines


def _never_learned(plan: Plan, name: str) -> list[int]:
    """Places of a set, by index, where the rules put no object and nobody has rendered one.

    Asked of those experiments alone whose models learned from no dataset with these places.
    """
    rendered = {d for d, dataset in plan.config.rendered.items() if dataset.places == name}
    learned = [
        plan.run.sources(model_names(experiment.config))
        for experiment in plan.run.experiments.values()
        if experiment.places.name == name
    ]
    known = all(rendered & set(sources) for sources in learned)
    return [] if known else beyond_the_ground(plan.config, name)
