rule truth:
    """Where the joints were, in the frames that are used."""
    input:
        file_of_sequence("truth", "file", output="truth.h5"),
        frames=f"{RESULTS}/frames.h5",
    output:
        f"{RESULTS}/truth.h5",
    log:
        f"{LOGS}/truth.log",
    conda:
        ENVIRONMENT
    params:
        file=of_sequence("truth", "file"),
        camera=of_sequence("truth", "camera"),
        code=code_digest("truth.py"),
    script:
        "../scripts/truth.py"
