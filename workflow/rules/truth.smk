rule truth:
    """Where the joints were, in the frames that are used."""
    input:
        files_of_sequence("truth", "file", "file_2d", output="truth.h5"),
        frames=f"{RESULTS}/frames.h5",
    output:
        f"{RESULTS}/truth.h5",
    log:
        f"{LOGS}/truth.log",
    conda:
        ENVIRONMENT
    params:
        truth=of_sequence("truth"),
        code=code_digest("assemble_truth.py"),
    script:
        "../scripts/assemble_truth.py"
