"""Images to counts to rates with intervals; models to what they react to."""

from projcomp.folder import CHECK, LOCALITY
from projcomp.plan import needs


rule evaluate_case:
    input:
        detector=folder.detector_files(),
        samples=folder.samples("{experiment}", "{case}"),
    output:
        folder.counted("{experiment}", "{case}"),
    log:
        folder.log("evaluate/{experiment}/{case}"),
    wildcard_constraints:
        experiment=one_of(plan.run.rendered.cases),
    priority: 40
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=lambda w, attempt: needs.counting(plan.run, w.experiment).mem_mb(attempt),
        runtime=lambda w, attempt: needs.counting(plan.run, w.experiment).runtime(
            attempt
        ),
    params:
        settings=lambda w: plan.evaluate_settings(w.experiment, w.case),
        detector=lambda w, input: Path(input.detector[0]).parent,
    shell:
        "projcomp evaluate {input.samples} --settings {params.settings:q}"
        " --detector {params.detector} --out {output} > {log} 2>&1"


rule classify_case:
    input:
        classifier=folder.classifier_files(),
        samples=folder.samples("{experiment}", "{case}"),
    output:
        folder.classified("{experiment}", "{case}"),
    log:
        folder.log("classify/{experiment}/{case}"),
    wildcard_constraints:
        experiment=one_of(plan.run.filed.experiments if plan.classifies else ()),
    priority: 40
    conda:
        "../../envs/torch.yaml"
    threads: plan.config.compute.sampling.threads
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        settings=lambda w: plan.classify_settings(w.experiment, w.case),
        classifier=lambda w, input: Path(input.classifier[0]).parent,
    shell:
        "projcomp classify {input.samples} --settings {params.settings:q}"
        " --classifier {params.classifier} --out {output} --threads {threads} > {log} 2>&1"


rule score_case:
    input:
        samples=folder.samples("{experiment}", "{case}"),
        judge=plan.judge_files(),
    output:
        folder.scored("{experiment}", "{case}"),
    log:
        folder.log("score/{experiment}/{case}"),
    wildcard_constraints:
        experiment=one_of(plan.scored_experiments()),
    priority: 40
    conda:
        "../../envs/torch.yaml"
    threads: plan.config.compute.sampling.threads
    resources:
        mem_mb=lambda w, attempt: needs.scoring(plan.run).mem_mb(attempt),
        runtime=lambda w, attempt: needs.scoring(plan.run).runtime(attempt),
        gpu=plan.sampling_gpus(),
    params:
        settings=lambda w: plan.score_settings(w.experiment, w.case),
        device=lambda w, output: plan.config.compute.sampling.device,
    shell:
        "projcomp score {input.samples} --settings {params.settings:q}"
        " --out {output} --threads {threads} --device {params.device} > {log} 2>&1"


rule summarize:
    input:
        plan.counted(),
        check=folder.detector(CHECK),
    output:
        report(
            folder.summary(),
            caption="../report/summary.rst",
            category="Tables",
        ),
    log:
        folder.log("summarize"),
    priority: 50
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        settings=plan.summary_settings(),
        folder=lambda w, output: Path(output[0]).parent,
    shell:
        "projcomp summarize {params.folder} --settings {params.settings:q}"
        " --out {output} > {log} 2>&1"


rule make_table:
    input:
        lambda w: plan.table_inputs(w.name),
    output:
        report(
            folder.table("{name}"),
            caption="../report/table.rst",
            category="Tables",
        ),
    log:
        folder.log("tables/{name}"),
    wildcard_constraints:
        name=one_of(plan.tables),
    priority: 50
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        settings=lambda w: plan.table_settings(w.name),
        caption=lambda w, output: plan.tables[w.name].row.caption,
        root=lambda w, output: Path(output[0]).parents[1],
    shell:
        "projcomp table {wildcards.name} --settings {params.settings:q}"
        " --root {params.root} --out {output} > {log} 2>&1"


rule measure_locality:
    input:
        lambda w: plan.locality_inputs(w.model),
    output:
        folder.model("{model}", LOCALITY),
    log:
        folder.log("locality/{model}"),
    wildcard_constraints:
        model=one_of(plan.run.models if plan.config.evaluation.locality else ()),
    priority: 40
    conda:
        "../../envs/torch.yaml"
    threads: plan.config.compute.sampling.threads
    resources:
        mem_mb=lambda w, attempt: needs.locality(plan.run, w.model).mem_mb(attempt),
        runtime=lambda w, attempt: needs.locality(plan.run, w.model).runtime(attempt),
        gpu=plan.sampling_gpus(),
    params:
        settings=lambda w: plan.locality_settings(w.model),
        models=lambda w, input: Path(folder.models()),
        device=lambda w, output: plan.config.compute.sampling.device,
    shell:
        "projcomp locality --settings {params.settings:q} --models {params.models}"
        " --out {output} --threads {threads} --device {params.device} > {log} 2>&1"
