# All that a picture shows of frames and flows, which may be gone when it is drawn anew.
rule moment:
    """A pair of frames, and what the method made of it."""
    input:
        frames=f"{RESULTS}/frames.h5",
        truth=f"{RESULTS}/truth.h5",
        flow_scores=expand(
            f"{RESULTS}/flow_scores_{{cycle}}.h5",
            cycle=(0, CYCLES),
            allow_missing=True,
        ),
        flows=expand(
            f"{RESULTS}/flow_{{cycle}}.h5", cycle=(0, CYCLES), allow_missing=True
        ),
        poses=expand(
            f"{RESULTS}/pose_{{cycle}}.h5",
            cycle=sorted({0, LAST_POSE}),
            allow_missing=True,
        ),
    output:
        f"{RESULTS}/moment.h5",
    log:
        f"{LOGS}/moment.log",
    conda:
        ENVIRONMENT
    params:
        cycles=CYCLES,
        code=code_digest("take_moment.py"),
    script:
        "../scripts/take_moment.py"


rule figure:
    """What the method did to a sequence, in a picture."""
    input:
        moment=f"{RESULTS}/moment.h5",
        pose_scores=f"{RESULTS}/pose_scores.h5",
        flow_scores=expand(
            f"{RESULTS}/flow_scores_{{cycle}}.h5",
            cycle=range(CYCLES + 1),
            allow_missing=True,
        ),
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
        cycles=CYCLES,
        code=code_digest("draw_figure.py"),
    script:
        "../scripts/draw_figure.py"
