rule keypoints:
    """2D detections in the frames that are used."""
    input:
        file_of_sequence("estimates", "file", output="keypoints.h5"),
        frames=f"{RESULTS}/frames.h5",
    output:
        f"{RESULTS}/keypoints.h5",
    log:
        f"{LOGS}/keypoints.log",
    conda:
        ENVIRONMENT
    params:
        file=of_sequence("estimates", "file"),
        camera=of_sequence("estimates", "camera"),
        code=code_digest("keypoints.py"),
    script:
        "../scripts/keypoints.py"
