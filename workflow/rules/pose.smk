rule pose_refined:
    """The estimated pose, repaired and refined against a flow."""
    input:
        frames=f"{RESULTS}/frames.h5",
        pose=f"{RESULTS}/pose_0.h5",
        keypoints=f"{RESULTS}/keypoints.h5",
        flow=(
            f"{RESULTS}/flow_{{cycle}}.h5"
            if REFERENCE
            else of_cycle_before("flow_{cycle}.h5")
        ),
    output:
        f"{RESULTS}/pose_{{cycle}}.h5",
    log:
        f"{LOGS}/pose_{{cycle}}.log",
    cache: SHARED
    conda:
        ENVIRONMENT
    params:
        **config["pose"],
        reference=REFERENCE,
        code=code_digest("refine_pose.py"),
    script:
        "../scripts/refine_pose.py"
