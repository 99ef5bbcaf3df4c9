"""Datasets to networks. The state to resume from lies outside the declared outputs."""


rule train_model:
    input:
        lambda w: plan.training_data(w.model),
    output:
        weights=plan.at("models/{model}/weights.safetensors"),
        described=plan.at("models/{model}/model.json"),
        metrics=plan.at("models/{model}/metrics.csv"),
    log:
        plan.at("logs/train/{model}.log"),
    wildcard_constraints:
        model=r"(?!detector/)[\w-]+",
    priority: 80
    conda:
        "../../envs/torch.yaml"
    threads: plan.config.training.threads * plan.config.training.devices
    resources:
        mem_mb=16000,
        runtime=1440,
        gpu=plan.training_gpus(),
    params:
        settings=lambda w: plan.train_settings(w.model),
        data=lambda w, input: Path(input[0]).parent,
        folder=lambda w, output: Path(output.weights).parent,
        state=lambda w, output: plan.at(f"state/models/{w.model}"),
        options=lambda w, output: plan.training_options(),
    shell:
        "projcomp train --settings {params.settings:q} --data {params.data}"
        " --out {params.folder} --state {params.state} {params.options} > {log} 2>&1"


rule check_model:
    input:
        lambda w: plan.training_data(w.model),
        weights=plan.at("models/{model}/weights.safetensors"),
        described=plan.at("models/{model}/model.json"),
    output:
        plan.at("models/{model}/check.csv"),
    log:
        plan.at("logs/check/{model}.log"),
    wildcard_constraints:
        model=r"(?!detector/)[\w-]+",
    priority: 40
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=8000,
        runtime=60,
        gpu=plan.torch_gpus(),
    params:
        settings=lambda w: plan.check_settings(w.model),
        data=lambda w, input: Path(input[0]).parent,
        folder=lambda w, input: Path(input.weights).parent,
        device=lambda w, output: plan.config.training.device,
    shell:
        "projcomp check-model --settings {params.settings:q} --data {params.data}"
        " --model {params.folder} --out {output} --threads {threads}"
        " --device {params.device} > {log} 2>&1"


rule train_detector:
    input:
        plan.index(plan.config.detector.dataset),
    output:
        weights=plan.at("models/detector/weights.safetensors"),
        described=plan.at("models/detector/detector.json"),
        metrics=plan.at("models/detector/metrics.csv"),
        check=report(
            plan.at("models/detector/check.csv"),
            caption="../report/detector.rst",
            category="Tables",
        ),
    log:
        plan.at("logs/train/detector.log"),
    priority: 60
    conda:
        "../../envs/torch.yaml"
    threads: plan.config.training.threads
    resources:
        mem_mb=16000,
        runtime=480,
        gpu=plan.torch_gpus(),
    params:
        settings=lambda w: plan.detector_settings(),
        folder=lambda w, output: Path(output.weights).parent,
        state=lambda w, output: plan.at("state/detector"),
        options=lambda w, output: plan.detector_options(),
    shell:
        "projcomp train-detector --settings {params.settings:q} --data {input}"
        " --out {params.folder} --state {params.state} --threads {threads}"
        " {params.options} > {log} 2>&1"
