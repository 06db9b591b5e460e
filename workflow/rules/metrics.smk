rule metrics:
    """Errors of every cycle's flow and pose, a frame and joint."""
    input:
        truth=f"{RESULTS}/truth.h5",
        flows=expand(
            f"{RESULTS}/flow_{{cycle}}.h5", cycle=range(CYCLES + 1), allow_missing=True
        ),
        poses=expand(
            f"{RESULTS}/pose_{{cycle}}.h5", cycle=range(CYCLES), allow_missing=True
        ),
    output:
        f"{RESULTS}/metrics.h5",
    log:
        f"{LOGS}/metrics.log",
    conda:
        ENVIRONMENT
    params:
        cycles=CYCLES,
        reference=REFERENCE,
        code=code_digest("metrics.py"),
    script:
        "../scripts/metrics.py"
