rule table:
    """Mean errors of every sequence and cycle."""
    input:
        expand(f"{RESULTS}/metrics.h5", sequence=SEQUENCES),
    output:
        csv=report("results/table.csv", caption="../report/table.rst", category="Table"),
        md="results/table.md",
    log:
        "results/logs/table.log",
    # Too little to queue for on a cluster.
    localrule: True
    conda:
        ENVIRONMENT
    params:
        dataset=DATASET,
        sequences=list(SEQUENCES),
        allow_missing=config["allow_missing"],
        code=code_digest("table.py"),
    script:
        "../scripts/table.py"
