"""The whole run: render, train, compose, count, report. `snakemake --cores all` makes all of it."""

# What a run consists of follows from the config (src/projcomp/plan/); the rules only say how.

from pathlib import Path

from projcomp.plan.workflow import one_of, planned


configfile: "config.yaml"


plan = planned(workflow, config)
folder = plan.folder


wildcard_constraints:
    case=r"[\w-]+",
    dataset=one_of(plan.config.datasets),
    experiment=one_of(plan.run.experiments),
    model=one_of(plan.trainable()),
    shard=r"\d{5}",


rule all:
    input:
        plan.targets(),
        plan.intermediates(),


include: "workflow/rules/render.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/theory.smk"
include: "workflow/rules/report.smk"
