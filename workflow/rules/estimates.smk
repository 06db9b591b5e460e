ESTIMATES = f"{RESULTS}/pose_0.h5", f"{RESULTS}/keypoints.h5"


rule estimates:
    """The pose and the keypoints that others estimated, in the frames that are used."""
    input:
        files_of(("pose", "keypoints"), *ESTIMATES),
        frames=of_stage("frames.h5"),
    output:
        pose=ESTIMATES[0],
        keypoints=ESTIMATES[1],
    log:
        f"{LOGS}/estimates.log",
    conda:
        ENVIRONMENT
    params:
        pose=keys_of("pose"),
        pose_reader=reader_of("pose"),
        keypoints=keys_of("keypoints"),
        keypoint_reader=reader_of("keypoints"),
        listing=listing_of(("pose", "keypoints"), *ESTIMATES),
        code=code_with_readers("assemble_estimates.py", ("pose", "keypoints")),
    script:
        "../scripts/assemble_estimates.py"
