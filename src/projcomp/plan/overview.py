"""How large a run is, in a few lines."""

from projcomp.config.learning import NetworkConfig
from projcomp.plan.meetings import meetings
from projcomp.plan.places import place_set
from projcomp.plan.plan import Plan


def overview(plan: Plan) -> str:
    """A few lines on what the run will do, and how many jobs that takes."""
    jobs = plan.job_counts()
    counted = ", ".join(f"{count} {rule}" for rule, count in jobs.items() if rule != "all")
    return "\n".join([*describe(plan), f"{sum(jobs.values()):,} jobs: {counted}"])


def describe(plan: Plan) -> list[str]:
    """A few lines on what is rendered, trained, composed and measured."""
    run, config = plan.run, plan.config
    lines = [f"root {config.root}, seed {config.seed}, {config.resolution} x {config.resolution}"]
    for name, dataset in config.filed.items():
        told = f", by {' and '.join(dataset.labels)}" if dataset.labels else ""
        lines.append(f"dataset {name}: pictures of {dataset.file}{told}")
    for name, dataset in config.rendered.items():
        objects = _amount(dataset.min_objects, dataset.max_objects)
        count = plan.num_shards(name)
        shards = "1 shard" if count == 1 else f"{count} shards"
        where = f", one at the {_places(plan, dataset.places)}" if dataset.places else ""
        lines.append(f"dataset {name}: {dataset.num_images:,} images, {objects}{where}, {shards}")
    for name, model in run.models.items():
        if name not in run.networks and not model.exact:
            continue
        kind = {"none": "unconditional"}.get(model.condition, f"conditioned on {model.condition}")
        source = ", ".join(model.sources)
        known = f"{model.images_seen:,} images of" if model.images_seen else "exact, of"
        how = "" if model.exact else _network(run.network(name), model.condition, config.resolution)
        lines.append(f"model {name}: {known} {source}, {kind}{how}")
    for name, model in config.pipelines.items():
        adapter = f" with {model.lora}" if model.lora else ""
        lines.append(f"model {name}: the pipeline {model.pipeline}{adapter}, told prompts")
    for name, experiment in run.own.items():
        operator, samples = experiment.config.operator.label, experiment.config.num_samples
        cases = "1 case" if len(experiment.cases) == 1 else f"{len(experiment.cases)} cases"
        lines.append(f"experiment {name}: {operator}, {cases} x {samples} samples")
    lines += [_sweep_line(plan, name) for name in run.grids]
    lines += [line for line, _ in meetings(plan)]
    if plan.counts:
        lines.append(
            f"ground truth: {len(run.truth)} compositions x {config.reference.num_images} renders"
        )
    exact = config.theory
    if exact.experiments:
        repeated = f"{exact.num_seeds} x {exact.num_samples} samples each"
        lines.append(f"theory: {', '.join(exact.experiments)}, {repeated}")
    return lines


def _network(network: NetworkConfig, condition: str, resolution: int) -> str:
    """How a network is told its condition, and how far each of its pixels sees."""
    told = {"embedding": " by embedding", "map": " by map", "both": " by embedding and map"}
    by = "" if condition == "none" else told[network.conditioning]
    pixels = network.sees(resolution)
    if pixels is None:
        return f"{by}, sees the whole picture"
    everywhere = condition != "none" and network.conditioning != "map"
    reaches = ", an embedded condition reaches all" if everywhere else ""
    return f"{by}, sees {pixels} pixels far{reaches}"


def _places(plan: Plan, name: str) -> str:
    return f"{len(place_set(plan.config, name).points)} places of {name}"


def _sweep_line(plan: Plan, sweep: str) -> str:
    grid = plan.run.grids[sweep]
    going: dict[str, list[str]] = {member.operator: [] for member in grid}
    for member in grid:
        if member.refused is None:
            going[member.operator].append(member.sampler)
    count = sum(len(samplers) for samplers in going.values())
    full = len(plan.config.sweeps[sweep].samplers)
    limits = "".join(
        f"; {operator} is compatible with {', '.join(samplers) or 'none'} only"
        for operator, samplers in going.items()
        if len(samplers) < full
    )
    return (
        f"sweep {sweep}: {count} pairs of operator and sampler x "
        f"{plan.config.sweeps[sweep].num_samples} samples a case{limits}"
    )


def _amount(low: int, high: int) -> str:
    if low < high:
        return f"{low} to {high} objects"
    return "1 object" if low == 1 else f"{low or 'no'} objects"
