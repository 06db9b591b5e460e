# What a page shows of frames, which may be gone when it is made anew.
rule small_frames:
    """The frames of a sequence as small JPEGs."""
    input:
        frames=of_stage("frames.h5"),
    output:
        f"{RESULTS}/small_frames.h5",
    log:
        f"{LOGS}/small_frames.log",
    conda:
        ENVIRONMENT
    params:
        # It moves with the config.
        made_from=lambda wildcards: stage_file(wildcards.sequence, "frames.h5"),
        code=code_digest("shrink_frames.py"),
    script:
        "../scripts/shrink_frames.py"


# Made where the config's `exports` lists it, or by name.
rule page:
    """Frames, poses and curves of a sequence in a browser: one file, which needs no network."""
    input:
        frames=f"{RESULTS}/small_frames.h5",
        truth=of_stage("truth.h5"),
        poses=in_cycles("pose_{cycle}.h5", ends_of(pose_cycles)),
        pose_scores=of_stage("pose_scores.h5"),
        flow_scores=in_cycles("flow_scores_{cycle}.h5", ends_of(flow_cycles)),
    output:
        report(
            f"{RESULTS}/page.html",
            caption="../report/page.rst",
            category="Pages",
            labels={"sequence": "{sequence}"},
        ),
    log:
        f"{LOGS}/page.log",
    conda:
        ENVIRONMENT
    params:
        cycles=lambda wildcards: config_of(wildcards.sequence)["cycles"],
        code=code_digest("draw_page.py"),
    script:
        "../scripts/draw_page.py"
