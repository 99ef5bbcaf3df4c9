"""Models to images: one job per case of an experiment."""

from projcomp.plan import needs


rule sample_case:
    input:
        lambda w: plan.sample_inputs(w.experiment),
    output:
        folder.samples("{experiment}", "{case}"),
    log:
        folder.log("sample/{experiment}/{case}"),
    priority: 30
    conda:
        "../../envs/torch.yaml"
    threads: plan.config.compute.sampling.threads
    resources:
        mem_mb=lambda w, attempt: needs.sampling(
            plan.run, w.experiment, w.case
        ).mem_mb(attempt),
        runtime=lambda w, attempt: needs.sampling(
            plan.run, w.experiment, w.case
        ).runtime(attempt),
        gpu=plan.sampling_gpus(),
    params:
        settings=lambda w: plan.sample_settings(w.experiment, w.case),
        models=lambda w, input: Path(folder.models()),
        device=lambda w, output: plan.config.compute.sampling.device,
    shell:
        "projcomp sample --settings {params.settings:q} --models {params.models}"
        " --out {output} --threads {threads} --device {params.device} > {log} 2>&1"
