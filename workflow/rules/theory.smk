"""The papers' experiments on exact distributions; they need nothing of the rest."""

from projcomp.config.theory import EXACT


rule theory_experiment:
    output:
        report(
            folder.exact("{name}"),
            caption="../report/theory.rst",
            category="Theory",
            labels={"experiment": "{name}"},
        ),
    log:
        folder.log("theory/{name}"),
    wildcard_constraints:
        name=one_of(EXACT),
    # The longest of them takes many minutes on one core: before the sampling, not at the end.
    priority: 35
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 600 * attempt,
    params:
        settings=lambda w: plan.theory_settings(w.name),
    shell:
        "projcomp theory {wildcards.name} --settings {params.settings:q}"
        " --out {output} --threads {threads} > {log} 2>&1"
