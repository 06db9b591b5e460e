rule truth:
    """Where the joints were, in the frames that are used."""
    input:
        files_of(["truth"], f"{RESULTS}/truth.h5"),
        frames=of_stage("frames.h5"),
    output:
        f"{RESULTS}/truth.h5",
    log:
        f"{LOGS}/truth.log",
    conda:
        ENVIRONMENT
    params:
        truth=keys_of("truth"),
        reader=reader_of("truth"),
        listing=listing_of(["truth"], f"{RESULTS}/truth.h5"),
        code=code_with_readers("assemble_truth.py", ["truth"]),
    script:
        "../scripts/assemble_truth.py"
