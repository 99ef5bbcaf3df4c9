"""Results to figures."""


rule draw_figure:
    input:
        lambda w: plan.figure_inputs(w.name),
    output:
        png=report(
            plan.at("results/figures/{name}.png"),
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{name}"},
        ),
        svg=plan.at("results/figures/{name}.svg"),
    log:
        plan.at("logs/figures/{name}.log"),
    priority: 50
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        settings=lambda w: plan.figure_settings(w.name),
        root=lambda w, output: Path(output.png).parents[2],
    shell:
        "projcomp figure {wildcards.name} --settings {params.settings:q}"
        " --root {params.root} --png {output.png} --svg {output.svg} > {log} 2>&1"
