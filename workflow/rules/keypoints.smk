rule keypoints:
    """2D detections in the frames that are used."""
    input:
        files_of_sequence("estimates", "file", "keypoints", output="keypoints.h5"),
        frames=f"{RESULTS}/frames.h5",
    output:
        f"{RESULTS}/keypoints.h5",
    log:
        f"{LOGS}/keypoints.log",
    conda:
        ENVIRONMENT
    params:
        estimates=of_sequence("estimates"),
        code=code_digest("keypoints.py"),
    script:
        "../scripts/keypoints.py"
