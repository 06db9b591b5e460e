rule verify:
    """Say of every file of the results whether it is current; make nothing."""
    log:
        f"{FOLDER}/logs/verify.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        expected=lambda wildcards: everything_made(),
    script:
        "../scripts/verify_results.py"
