# All that a picture shows of frames and flows, which may be gone when it is drawn anew.
rule moment:
    """A pair of frames, and what the method made of it."""
    input:
        frames=of_stage("frames.h5"),
        truth=of_stage("truth.h5"),
        flow_scores=in_cycles("flow_scores_{cycle}.h5", ends_of(flow_cycles)),
        flows=in_cycles("flow_{cycle}.h5", ends_of(flow_cycles)),
        poses=in_cycles("pose_{cycle}.h5", ends_of(pose_cycles)),
    output:
        f"{RESULTS}/moment.h5",
    log:
        f"{LOGS}/moment.log",
    conda:
        ENVIRONMENT
    params:
        cycles=lambda wildcards: config_of(wildcards.sequence)["cycles"],
        code=code_digest("take_moment.py"),
    script:
        "../scripts/take_moment.py"


rule figure:
    """What the method did to a sequence, in a picture."""
    input:
        moment=f"{RESULTS}/moment.h5",
        pose_scores=of_stage("pose_scores.h5"),
        flow_scores=in_cycles("flow_scores_{cycle}.h5", flow_cycles),
    output:
        report(
            f"{RESULTS}/figure.png",
            caption="../report/figure.rst",
            category="Sequences",
            labels={"sequence": "{sequence}"},
        ),
    log:
        f"{LOGS}/figure.log",
    conda:
        ENVIRONMENT
    params:
        cycles=lambda wildcards: config_of(wildcards.sequence)["cycles"],
        code=code_digest("draw_figure.py"),
    script:
        "../scripts/draw_figure.py"
