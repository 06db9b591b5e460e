# The pictures of a sequence, and what each shows.
PICTURES = {
    "figure": "what changed",
    "joints": "joints over time",
    "errors": "error maps",
    "losses": "losses",
}
FIGURES = [f"{RESULTS}/{name}.{kind}" for kind in ("png", "pdf") for name in PICTURES]


# All that pictures show of frames, flows and losses, which may be gone when they are drawn anew.
rule moment:
    """A pair of frames, and what the method made of it; the losses of all cycles."""
    input:
        frames=of_stage("frames.h5"),
        truth=of_stage("truth.h5"),
        true_flow=true_flow_of,
        flow_scores=in_cycles("flow_scores_{cycle}.h5", ends_of(flow_cycles)),
        flows=in_cycles("flow_{cycle}.h5", flow_cycles),
        poses=in_cycles("pose_{cycle}.h5", pose_cycles),
    output:
        f"{RESULTS}/moment.h5",
    log:
        f"{LOGS}/moment.log",
    conda:
        ENVIRONMENT
    params:
        flows=owners("flow_{cycle}", flow_cycles),
        poses=owners("pose_{cycle}", pose_cycles),
        code=code_digest("take_moment.py"),
    script:
        "../scripts/take_moment.py"


rule figure:
    """What the method did to a sequence, in pictures."""
    input:
        moment=f"{RESULTS}/moment.h5",
        pose_scores=of_stage("pose_scores.h5"),
        flow_scores=in_cycles("flow_scores_{cycle}.h5", flow_cycles),
    output:
        **{
            name: report(
                f"{RESULTS}/{name}.png",
                caption=f"../report/{name}.rst",
                category="Sequences",
                labels={"sequence": "{sequence}", "picture": shown},
            )
            for name, shown in PICTURES.items()
        },
        pdf=[f"{RESULTS}/{name}.pdf" for name in PICTURES],
    log:
        f"{LOGS}/figure.log",
    conda:
        ENVIRONMENT
    params:
        cycles=lambda wildcards: config_of(wildcards.sequence)["cycles"],
        code=code_digest("draw_figure.py"),
    script:
        "../scripts/draw_figure.py"
