"""Where Snakemake's workflow and ours meet: the Snakefile asks here for its plan."""

from collections.abc import Iterable, Mapping
from typing import Any

from projcomp.errors import UserError
from projcomp.plan.load import load_workflow
from projcomp.plan.one_run import begin_with_care
from projcomp.plan.plan import Plan


def one_of(names: Iterable[str]) -> str:
    """The pattern of a wildcard that is one of ``names``, which have no signs of patterns.

    What a rule cannot make is then no file of that rule, and Snakemake says so in a line.
    """
    return "|".join(names) or r"(?!)"


def planned(workflow: Any, config: Mapping[str, Any]) -> Plan:
    """The checked plan of Snakemake's ``config``; a run by it begins with care (``one_run.py``).

    Args:
        workflow: as the Snakefile has it.
        config: as Snakemake merged it.

    Raises:
        snakemake.exceptions.WorkflowError: in one line, where something is wrong with the config.
    """
    try:
        plan = Plan(load_workflow(config, workflow.configfiles))
    except UserError as error:
        from snakemake.exceptions import WorkflowError

        raise WorkflowError(str(error)) from None
    begin_with_care(workflow, plan)
    return plan
