rule overlay:
    """The video of a sequence with what the method made of it."""
    input:
        video_for(f"{LOGS}/overlay.json"),
        truth=of_stage("truth.h5"),
        poses=in_cycles("pose_{cycle}.h5", ends_of(pose_cycles)),
        flows=in_cycles("flow_{cycle}.h5", ends_of(flow_cycles)),
    output:
        f"{RESULTS}/overlay.mp4",
    log:
        f"{LOGS}/overlay.log",
    conda:
        ENVIRONMENT
    threads: 4
    params:
        cycles=lambda wildcards: config_of(wildcards.sequence)["cycles"],
        poses=owners("pose_{cycle}", ends_of(pose_cycles)),
        flows=owners("flow_{cycle}", ends_of(flow_cycles)),
        video=of_sequence("video"),
        listing=video_digest(f"{LOGS}/overlay.json"),
        fps=of_sequence("fps"),
        code=code_digest("draw_overlay.py"),
    script:
        "../scripts/draw_overlay.py"
