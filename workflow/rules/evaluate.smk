"""Images to counts to rates with intervals."""


rule evaluate_case:
    input:
        detector=plan.detector_files(),
        samples=plan.at("samples/{experiment}/{case}.h5"),
    output:
        plan.at("results/{experiment}/{case}.csv"),
    log:
        plan.at("logs/evaluate/{experiment}/{case}.log"),
    wildcard_constraints:
        experiment=r"(?!theory/)[\w-]+",
    priority: 40
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        settings=lambda w: plan.evaluate_settings(w.experiment, w.case),
        detector=lambda w, input: Path(input.detector[0]).parent,
    shell:
        "projcomp evaluate {input.samples} --settings {params.settings:q}"
        " --detector {params.detector} --out {output} > {log} 2>&1"


rule summarize:
    input:
        plan.tables(),
    output:
        report(
            plan.at("results/summary.csv"),
            caption="../report/summary.rst",
            category="Tables",
        ),
    log:
        plan.at("logs/summarize.log"),
    priority: 50
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        settings=plan.summary_settings(),
        folder=lambda w, output: Path(output[0]).parent,
    shell:
        "projcomp summarize {params.folder} --settings {params.settings:q}"
        " --out {output} > {log} 2>&1"


rule tabulate:
    input:
        lambda w: plan.comparison_inputs(w.name),
    output:
        report(
            plan.at("results/{name}.csv"),
            caption="../report/comparison.rst",
            category="Tables",
        ),
    log:
        plan.at("logs/tabulate/{name}.log"),
    wildcard_constraints:
        name="|".join(plan.comparisons) or r"(?!)",
    priority: 50
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        settings=lambda w: plan.comparison_settings(w.name),
        root=lambda w, output: Path(output[0]).parents[1],
    shell:
        "projcomp tabulate {wildcards.name} --settings {params.settings:q}"
        " --root {params.root} --out {output} > {log} 2>&1"
