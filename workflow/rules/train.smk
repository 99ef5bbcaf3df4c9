"""Datasets to networks. The state to resume from lies outside the declared outputs."""

from projcomp.folder import (
    CHECK,
    CLASSIFIER,
    DETECTOR,
    METRICS,
    MODEL,
    REFERENCE,
    RELIABILITY,
    WEIGHTS,
)
from projcomp.plan import needs


rule train_model:
    input:
        lambda w: plan.training_data(w.model),
    output:
        weights=folder.model("{model}", WEIGHTS),
        described=folder.model("{model}", MODEL),
        metrics=folder.model("{model}", METRICS),
    log:
        folder.log("train/{model}"),
    priority: lambda w: plan.training_priority(w.model)
    conda:
        "../../envs/torch.yaml"
    threads: plan.config.compute.training.threads * plan.config.compute.training.devices
    resources:
        **plan.training_resources(),
        mem_mb=lambda w, attempt: needs.training(plan.run, w.model).mem_mb(attempt),
        runtime=lambda w, attempt: needs.training(plan.run, w.model).runtime(attempt),
        # A command that starts the training, such as srun; a profile sets it (docs/cluster.md).
        launch="",
    params:
        settings=lambda w: plan.train_settings(w.model),
        data=lambda w, input: Path(input[0]).parent,
        folder=lambda w, output: Path(output.weights).parent,
        state=lambda w, output: folder.model_state(w.model),
        options=lambda w, output, resources, threads: plan.training_options(
            resources.get("mpi") or resources.launch, threads
        ),
    shell:
        "projcomp train --settings {params.settings:q} --data {params.data}"
        " --out {params.folder} --state {params.state} {params.options} > {log} 2>&1"


rule check_model:
    input:
        lambda w: plan.training_data(w.model),
        weights=folder.model("{model}", WEIGHTS),
        described=folder.model("{model}", MODEL),
    output:
        folder.model("{model}", CHECK),
    log:
        folder.log("check/{model}"),
    priority: 40
    conda:
        "../../envs/torch.yaml"
    threads: plan.config.compute.sampling.threads
    resources:
        mem_mb=lambda w, attempt: needs.checking(plan.run, w.model).mem_mb(attempt),
        runtime=lambda w, attempt: needs.checking(plan.run, w.model).runtime(attempt),
        gpu=plan.sampling_gpus(),
    params:
        settings=lambda w: plan.check_settings(w.model),
        data=lambda w, input: Path(input[0]).parent,
        folder=lambda w, input: Path(input.weights).parent,
        device=lambda w, output: plan.config.compute.sampling.device,
    shell:
        "projcomp check-model --settings {params.settings:q} --data {params.data}"
        " --model {params.folder} --out {output} --threads {threads}"
        " --device {params.device} > {log} 2>&1"


rule train_detector:
    input:
        folder.index(plan.config.detector.dataset),
    output:
        weights=folder.detector(WEIGHTS),
        described=folder.detector(DETECTOR),
        metrics=folder.detector(METRICS),
        reliability=folder.detector(RELIABILITY),
        check=report(
            folder.detector(CHECK),
            caption="../report/detector.rst",
            category="Tables",
        ),
    log:
        folder.log("train/detector"),
    priority: 60
    conda:
        "../../envs/torch.yaml"
    threads: plan.config.compute.training.threads
    resources:
        mem_mb=lambda w, attempt: needs.detector(plan.run).mem_mb(attempt),
        runtime=lambda w, attempt: needs.detector(plan.run).runtime(attempt),
        gpu=plan.detector_gpus(),
    params:
        settings=lambda w: plan.detector_settings(),
        folder=lambda w, output: str(Path(output.weights).parent),
        state=lambda w, output: folder.detector_state(),
        options=lambda w, output, threads: plan.detector_options(threads),
    shell:
        "projcomp train-detector --settings {params.settings:q} --data {input}"
        " --out {params.folder} --state {params.state} {params.options} > {log} 2>&1"


rule train_classifier:
    input:
        plan.classifier_data(),
    output:
        weights=folder.classifier(WEIGHTS),
        described=folder.classifier(CLASSIFIER),
        reference=folder.classifier(REFERENCE),
        check=report(
            folder.classifier(CHECK),
            caption="../report/classifier.rst",
            category="Tables",
        ),
    log:
        folder.log("train/classifier"),
    priority: 60
    conda:
        "../../envs/torch.yaml"
    threads: plan.config.compute.training.threads
    resources:
        mem_mb=lambda w, attempt: needs.classifier(plan.run).mem_mb(attempt),
        runtime=lambda w, attempt: needs.classifier(plan.run).runtime(attempt),
    params:
        settings=lambda w: plan.classifier_settings(),
        data=lambda w, input: Path(input[0]).parent,
        folder=lambda w, output: Path(output.weights).parent,
    shell:
        "projcomp train-classifier --settings {params.settings:q} --data {params.data}"
        " --out {params.folder} --threads {threads} > {log} 2>&1"
