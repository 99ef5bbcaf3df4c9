"""The whole run: render, train, compose, count, report. `snakemake --cores all` makes all of it."""

# What a run consists of follows from the config (src/projcomp/plan/); the rules only say how.

from pathlib import Path

from snakemake.exceptions import WorkflowError

from projcomp.errors import UserError
from projcomp.plan.load import load_workflow
from projcomp.plan.plan import Plan


configfile: "config.yaml"


try:
    plan = Plan(load_workflow(config, workflow.configfiles))
except UserError as error:
    raise WorkflowError(str(error)) from None
folder = plan.folder


wildcard_constraints:
    **dict.fromkeys(["dataset", "model", "experiment", "case", "name"], r"[\w-]+"),
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
