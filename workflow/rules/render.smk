"""Scenes to pixels to datasets, and pictures from files to datasets."""

from projcomp.plan import needs


rule render_shard:
    output:
        folder.shard("{dataset}", "{shard}"),
    log:
        folder.log("render/{dataset}/{shard}"),
    wildcard_constraints:
        dataset=one_of(plan.config.rendered),
    priority: 70
    conda:
        "../../envs/render.yaml"
    threads: plan.config.compute.rendering.threads
    resources:
        mem_mb=lambda w, attempt: needs.rendering(plan.run).mem_mb(attempt),
        runtime=lambda w, attempt: needs.rendering(plan.run).runtime(attempt),
        gpu=plan.render_gpus(),
    params:
        settings=lambda w: plan.render_settings(w.dataset),
        # Snakemake's cache between workflows looks at params and not at wildcards.
        shard=lambda w, output: w.shard,
    shell:
        "projcomp render-shard --settings {params.settings:q} --shard {wildcards.shard}"
        " --out {output} --threads {threads} > {log} 2>&1"


rule index_dataset:
    input:
        lambda w: plan.shards(w.dataset),
    output:
        folder.index("{dataset}"),
    log:
        folder.log("index/{dataset}"),
    wildcard_constraints:
        dataset=one_of(plan.config.rendered),
    priority: 90
    conda:
        "../../envs/render.yaml"
    resources:
        mem_mb=lambda w, attempt: needs.indexing(plan.run, w.dataset).mem_mb(attempt),
        runtime=lambda w, attempt: needs.indexing(plan.run, w.dataset).runtime(attempt),
    params:
        settings=lambda w: plan.render_settings(w.dataset),
        num_shards=lambda w: plan.num_shards(w.dataset),
        folder=lambda w, output: str(Path(output[0]).with_suffix("")),
    shell:
        "projcomp index {params.folder} --num-shards {params.num_shards}"
        " --settings {params.settings:q} --out {output} > {log} 2>&1"


rule read_dataset:
    input:
        lambda w: plan.read_inputs(w.dataset),
    output:
        folder.index("{dataset}"),
    log:
        folder.log("read/{dataset}"),
    wildcard_constraints:
        dataset=one_of(plan.config.filed),
    priority: 95
    conda:
        "../../envs/render.yaml"
    resources:
        mem_mb=lambda w, attempt: needs.filed(plan.run).mem_mb(attempt),
        runtime=lambda w, attempt: needs.filed(plan.run).runtime(attempt),
    params:
        settings=lambda w: plan.read_settings(w.dataset),
    shell:
        "projcomp read-dataset --settings {params.settings:q} --out {output} > {log} 2>&1"


rule preview_dataset:
    input:
        folder.index("{dataset}"),
    output:
        report(
            folder.preview("{dataset}"),
            caption="../report/dataset.rst",
            category="Datasets",
            labels={"dataset": "{dataset}"},
        ),
    log:
        folder.log("preview/{dataset}"),
    conda:
        "../../envs/render.yaml"
    resources:
        mem_mb=lambda w, attempt: 1000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        format=plan.preview_format,
    shell:
        "projcomp preview {input} --out {output} > {log} 2>&1"


rule render_reference:
    output:
        folder.samples("truth", "{case}"),
    log:
        folder.log("reference/{case}"),
    conda:
        "../../envs/render.yaml"
    threads: plan.config.compute.rendering.threads
    resources:
        mem_mb=lambda w, attempt: needs.reference(plan.run).mem_mb(attempt),
        runtime=lambda w, attempt: needs.reference(plan.run).runtime(attempt),
        gpu=plan.render_gpus(),
    params:
        settings=lambda w: plan.reference_settings(w.case),
    shell:
        "projcomp render-reference --settings {params.settings:q}"
        " --out {output} --threads {threads} > {log} 2>&1"
