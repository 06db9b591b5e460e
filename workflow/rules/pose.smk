rule pose_refined:
    """The estimated pose, repaired and refined against a flow."""
    input:
        frames=of_stage("frames.h5"),
        pose=of_stage("pose_0.h5"),
        keypoints=of_stage("keypoints.h5"),
        flow=flow_for_pose,
    output:
        f"{RESULTS}/pose_{{cycle}}.h5",
    log:
        f"{LOGS}/pose_{{cycle}}.log",
    cache: SHARED
    conda:
        ENVIRONMENT
    params:
        **settings_of("pose_refined"),
        code=code_digest("refine_pose.py"),
    script:
        "../scripts/refine_pose.py"
