rule pose_initial:
    """The 3D pose as estimated, with a camera that projects it."""
    input:
        files_of_sequence("estimates", "file", output="pose_0.h5"),
        frames=f"{RESULTS}/frames.h5",
        keypoints=f"{RESULTS}/keypoints.h5",
    output:
        f"{RESULTS}/pose_0.h5",
    log:
        f"{LOGS}/pose_0.log",
    conda:
        ENVIRONMENT
    params:
        estimates=of_sequence("estimates"),
        code=code_digest("pose_initial.py"),
    script:
        "../scripts/pose_initial.py"


rule pose_refined:
    """The estimated pose, refined against the flow of a cycle."""
    input:
        pose=f"{RESULTS}/pose_0.h5",
        keypoints=f"{RESULTS}/keypoints.h5",
        flow=f"{RESULTS}/flow_{{cycle}}.h5",
    output:
        f"{RESULTS}/pose_{{cycle}}.h5",
    log:
        f"{LOGS}/pose_{{cycle}}.log",
    cache: True
    conda:
        ENVIRONMENT
    params:
        **config["pose"],
        reference=REFERENCE,
        code=code_digest("refine_pose.py"),
    script:
        "../scripts/refine_pose.py"
