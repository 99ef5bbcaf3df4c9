"""Results to figures, and what the report opens with."""

from projcomp.plan.opening import Opening

config["opening"] = Opening(plan)


report: "../report/opening.rst"


rule exact:
    input:
        plan.exact_targets(),


rule draw_figure:
    input:
        lambda w: plan.figure_inputs(w.name),
    output:
        png=report(
            folder.figure("{name}", "png"),
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{name}"},
        ),
        svg=folder.figure("{name}", "svg"),
    log:
        folder.log("figures/{name}"),
    wildcard_constraints:
        name=one_of(plan.figures),
    priority: 50
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        settings=lambda w: plan.figure_settings(w.name),
        caption=lambda w, output: plan.figures[w.name].row.caption,
        root=lambda w, output: Path(output.png).parents[2],
    shell:
        "projcomp figure {wildcards.name} --settings {params.settings:q}"
        " --root {params.root} --png {output.png} --svg {output.svg} > {log} 2>&1"


rule playground:
    input:
        datasets=lambda w: plan.playground_inputs()[0],
        background=lambda w: plan.playground_inputs()[1],
    output:
        report(
            folder.playground(),
            caption="../report/playground.rst",
            category="Playground",
            labels={"page": "compose in the browser"},
        ),
    log:
        folder.log("playground"),
    priority: 50
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 30 * attempt,
    params:
        settings=lambda w: plan.playground_settings(),
    shell:
        "projcomp playground {input.datasets} --by position --background {input.background}"
        " --settings {params.settings:q} --out {output} > {log} 2>&1"
