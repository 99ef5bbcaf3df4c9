"""Scenes to pixels to datasets."""


rule render_shard:
    output:
        plan.at("data/{dataset}/shard-{shard}.h5"),
    log:
        plan.at("logs/render/{dataset}/{shard}.log"),
    priority: 70
    conda:
        "../../envs/render.yaml"
    threads: plan.config.render.threads
    resources:
        mem_mb=3000,
        runtime=240,
        gpu=plan.render_gpus(),
    params:
        settings=lambda w: plan.render_settings(w.dataset),
    shell:
        "projcomp render-shard --settings {params.settings:q} --shard {wildcards.shard}"
        " --out {output} --threads {threads} > {log} 2>&1"


rule index_dataset:
    input:
        lambda w: plan.shards(w.dataset),
    output:
        plan.at("data/{dataset}.h5"),
    log:
        plan.at("logs/index/{dataset}.log"),
    priority: 90
    conda:
        "../../envs/render.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=lambda w: plan.render_settings(w.dataset),
        num_shards=lambda w: plan.num_shards(w.dataset),
        folder=lambda w, output: Path(output[0]).with_suffix(""),
    shell:
        "projcomp index {params.folder} --num-shards {params.num_shards}"
        " --settings {params.settings:q} --out {output} > {log} 2>&1"


rule preview_dataset:
    input:
        plan.at("data/{dataset}.h5"),
    output:
        report(
            plan.at("data/{dataset}.png"),
            caption="../report/dataset.rst",
            category="Datasets",
            labels={"dataset": "{dataset}"},
        ),
    log:
        plan.at("logs/preview/{dataset}.log"),
    conda:
        "../../envs/render.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        format=plan.preview_format,
    shell:
        "projcomp preview {input} --out {output} > {log} 2>&1"


rule render_reference:
    output:
        plan.at("samples/truth/{case}.h5"),
    log:
        plan.at("logs/reference/{case}.log"),
    conda:
        "../../envs/render.yaml"
    threads: plan.config.render.threads
    resources:
        mem_mb=3000,
        runtime=240,
        gpu=plan.render_gpus(),
    params:
        settings=lambda w: plan.reference_settings(w.case),
    shell:
        "projcomp render-reference --settings {params.settings:q}"
        " --out {output} --threads {threads} > {log} 2>&1"
