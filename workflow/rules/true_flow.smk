rule true_flow:
    """Where every pixel goes, in the frames that are used; only where that is known."""
    input:
        in_folders(["true_flow"], f"{RESULTS}/true_flow.h5"),
        frames=of_stage("frames.h5"),
    output:
        kept("flows", f"{RESULTS}/true_flow.h5"),
    log:
        f"{LOGS}/true_flow.log",
    conda:
        ENVIRONMENT
    params:
        true_flow=keys_of("true_flow"),
        reader=reader_of("true_flow"),
        listing=listing_of(["true_flow"], f"{RESULTS}/true_flow.h5"),
        code=code_with_readers("assemble_true_flow.py", ["true_flow"]),
    script:
        "../scripts/assemble_true_flow.py"
