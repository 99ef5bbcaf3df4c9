"""The settings of every stage's jobs, from the run."""

from projcomp.config.judges import ClipJudge
from projcomp.config.samplers import SamplingConfig
from projcomp.config.scenes import RenderConfig
from projcomp.config.theory import EXACT, TheoryExperiment
from projcomp.files.listing import listing
from projcomp.plan.kinds import told_to_stages
from projcomp.plan.places import place_set
from projcomp.plan.prompts import judged_prompts
from projcomp.plan.requests import stack
from projcomp.plan.run import Run
from projcomp.settings.stages import (
    FORMATS,
    PIPELINES_OWN,
    CheckSettings,
    ClassifierSettings,
    DetectorSettings,
    EvaluateSettings,
    ExactSettings,
    LabelSettings,
    LocalitySettings,
    PipelineSettings,
    ReadSettings,
    ReferenceSettings,
    RenderRecipe,
    RenderSettings,
    SampleSettings,
    ScoreSettings,
    SummarySettings,
    TheorySettings,
    TrainSettings,
    model_names,
)


def _recipe(render: RenderConfig) -> RenderRecipe:
    return RenderRecipe(**{name: getattr(render, name) for name in RenderRecipe.model_fields})


def render_settings(run: Run, dataset: str) -> RenderSettings:
    """Settings of the shards of ``dataset``."""
    config = run.config
    chosen = config.rendered[dataset]
    return RenderSettings(
        seed=config.seed,
        resolution=config.resolution,
        dataset=dataset,
        min_objects=chosen.min_objects,
        max_objects=chosen.max_objects,
        scene=config.scene_of(dataset),
        render=_recipe(config.render),
        shard_size=config.render.shard_size,
        points=None if chosen.places is None else list(place_set(config, chosen.places).points),
        moved_from=chosen.moved_from,
    )


def read_settings(run: Run, dataset: str) -> ReadSettings:
    """Settings of reading ``dataset``, which was not rendered."""
    config, chosen = run.config, run.config.filed[dataset]
    values = {name: config.labels.get(name, []) for name in chosen.labels}
    labels = {
        name: LabelSettings(column=column, values=values[name])
        for name, column in chosen.labels.items()
    }
    return ReadSettings(
        format=FORMATS["archive" if chosen.file.endswith(".tar.gz") else "read"],
        dataset=dataset,
        resolution=config.resolution,
        file=chosen.file,
        labels=labels,
        only=chosen.only,
        part=chosen.part,
        seed=None if chosen.part is None else config.seed,
        fit=chosen.fit,
        listing=listing(chosen.file),
    )


def reference_settings(run: Run, case: str) -> ReferenceSettings:
    """Settings of the rendered truth of ``case``."""
    config = run.config
    return ReferenceSettings(
        seed=config.seed,
        resolution=config.resolution,
        case=run.truth[case],
        scene=config.scene,
        render=_recipe(config.render),
        num_images=config.reference.num_images,
    )


def train_settings(run: Run, model: str) -> TrainSettings:
    """Settings of the diffusion model ``model``."""
    config = run.config
    chosen = config.of_data[model]
    assert chosen.images_seen is not None  # a network's; exact models are never trained
    return TrainSettings(
        seed=config.seed,
        resolution=config.resolution,
        model=model,
        condition=run.condition(model),
        datasets=chosen.datasets,
        images_seen=chosen.images_seen,
        network=run.network(model),
        training=config.training,
        features=chosen.features,
    )


def check_settings(run: Run, model: str) -> CheckSettings:
    """Settings of checking the diffusion model ``model``."""
    config = run.config
    return CheckSettings(
        seed=config.seed,
        model=model,
        datasets=list(config.of_data[model].datasets),
        sigma_min=config.sampling.sigma_min,
        sigma_max=config.sampling.sigma_max,
    )


def detector_settings(run: Run) -> DetectorSettings:
    """Settings of the detector."""
    config = run.config
    return DetectorSettings(
        seed=config.seed, resolution=config.resolution, detector=config.detector
    )


def sample_settings(run: Run, experiment: str, case: str) -> SampleSettings:
    """Settings of one case of ``experiment``."""
    resolved = run.experiments[experiment]
    chosen, names = resolved.config, model_names(resolved.config)
    pipelines = _pipeline_settings(run, names)
    return SampleSettings(
        seed=run.config.seed,
        experiment=experiment,
        stream=resolved.stream,
        case=resolved.cases[case],
        operator=chosen.operator,
        conditionals=None if pipelines else chosen.conditionals,
        models=chosen.models or [],
        composed=stack(chosen, resolved.cases[case], run.composable),
        background=resolved.background,
        control=chosen.control,
        sampling=_without_levels(resolved.sampling) if pipelines else resolved.sampling,
        num_samples=chosen.num_samples,
        exact=_exact_settings(run, names),
        pipelines=pipelines,
    )


def _pipeline_settings(run: Run, names: list[str]) -> dict[str, PipelineSettings]:
    """Settings of the pipelines among ``names``."""
    return {
        name: PipelineSettings(
            chosen=model,
            listing=None if model.revision else listing(model.pipeline),
            lora_listing=listing(model.lora) if model.lora else None,
        )
        for name, model in run.config.pipelines.items()
        if name in names
    }


def _without_levels(sampling: SamplingConfig) -> SamplingConfig:
    """The same where a pipeline decides some of it: a change there says nothing."""
    fields = SamplingConfig.model_fields
    return sampling.model_copy(update={name: fields[name].default for name in PIPELINES_OWN})


def score_settings(run: Run, experiment: str, case: str) -> ScoreSettings:
    """Settings of scoring one case of an experiment that tells prompts."""
    judge, resolved = run.config.evaluation.judge, run.experiments[experiment]
    assert judge is not None  # else there is no job of it
    return ScoreSettings(
        experiment=experiment,
        case=case,
        prompts=judged_prompts(resolved.config, resolved.cases[case]),
        judge=judge,
        listing=listing(judge.folder) if isinstance(judge, ClipJudge) else None,
    )


def locality_settings(run: Run, model: str) -> LocalitySettings:
    """Settings of how far the Jacobian of ``model`` reaches, on the renders it knows most of."""
    config = run.config
    assert config.evaluation.locality is not None  # else no model is followed
    shares, backgrounds = run.models[model].sources, run.backgrounds(model)
    return LocalitySettings(
        seed=config.seed,
        model=model,
        dataset=max(shares, key=lambda name: shares[name]),
        backgrounds=backgrounds,
        sigma_min=config.sampling.sigma_min,
        sigma_max=config.sampling.sigma_max,
        locality=config.evaluation.locality,
        exact=_exact_settings(run, [model, *(one.model for one in backgrounds)]),
    )


def _exact_settings(run: Run, names: list[str]) -> dict[str, ExactSettings]:
    """Settings of the exact models among ``names``."""
    found = {name: run.models[name] for name in names if name in run.models}
    return {
        name: ExactSettings(
            condition=run.condition(name),
            datasets=model.exact,
            bandwidth=model.bandwidth,
            window=model.window,
            features=model.features,
        )
        for name, model in found.items()
        if model.exact
    }


def classifier_settings(run: Run) -> ClassifierSettings:
    """Settings of the classifier of pictures from files."""
    chosen = run.config.evaluation.classifier
    assert chosen is not None  # else there is no job of it
    return ClassifierSettings(
        seed=run.config.seed,
        resolution=run.config.resolution,
        kind=told_to_stages(run.config, chosen.label),
        classifier=chosen,
    )


def evaluate_settings(run: Run, experiment: str, case: str) -> EvaluateSettings:
    """Settings of counting one case of ``experiment`` (or of the truth)."""
    config = run.config
    return EvaluateSettings(
        experiment=experiment,
        case=run.cases[experiment][case],
        threshold=config.detector.threshold,
        radius=config.evaluation.radius,
    )


def summary_settings(run: Run) -> SummarySettings:
    """Settings of the summary table."""
    config = run.config
    return SummarySettings(
        seed=config.seed,
        confidence=config.evaluation.confidence,
        bootstrap=config.evaluation.bootstrap,
        cases={name: list(cases) for name, cases in run.rendered.cases.items()},
    )


def theory_settings(run: Run, experiment: TheoryExperiment) -> TheorySettings:
    """Settings of one of the papers' exact experiments."""
    config = run.config
    chosen, row = config.theory, EXACT[experiment]
    return TheorySettings(
        format=row.format,
        seed=config.seed,
        experiment=experiment,
        num_samples=chosen.num_samples,
        num_seeds=chosen.num_seeds,
        num_steps=chosen.num_steps,
        num_updates=chosen.num_updates if row.trains else None,
    )
