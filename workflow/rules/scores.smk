rule pose_scores:
    """How far the poses of all cycles are from the truth and the detections, a frame and joint."""
    input:
        truth=of_stage("truth.h5"),
        poses=in_cycles("pose_{cycle}.h5", pose_cycles),
        keypoints=of_stage("keypoints.h5"),
    output:
        f"{RESULTS}/pose_scores.h5",
    log:
        f"{LOGS}/pose_scores.log",
    conda:
        ENVIRONMENT
    params:
        **settings_of("pose_scores"),
        code=code_digest("score_poses.py"),
    script:
        "../scripts/score_poses.py"


# Apart from the poses' scores, so that a table with another metric of poses needs no flows, which may
# be gone. A cycle's own pose comes in here: if it changes, its flow is needed or made again anyway.
rule flow_scores:
    """How far a cycle's flow is from the true motion and its pose's, a pair of frames and joint."""
    input:
        truth=of_stage("truth.h5"),
        true_flow=true_flow_of,
        pose=pose_of_cycle,
        flow=of_stage("flow_{cycle}.h5"),
    output:
        f"{RESULTS}/flow_scores_{{cycle}}.h5",
    log:
        f"{LOGS}/flow_scores_{{cycle}}.log",
    wildcard_constraints:
        # Cycle 0 as well.
        cycle=r"\d+",
    conda:
        ENVIRONMENT
    params:
        **settings_of("flow_scores"),
        code=code_digest("score_flow.py"),
    script:
        "../scripts/score_flow.py"
