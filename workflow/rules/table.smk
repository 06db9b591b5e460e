rule table:
    """Mean errors of every sequence and cycle."""
    input:
        expand(f"{RESULTS}/metrics.h5", sequence=SEQUENCES),
    output:
        csv=report(
            f"{FOLDER}/table.csv", caption="../report/table.rst", category="Table"
        ),
        md=f"{FOLDER}/table.md",
    log:
        f"{FOLDER}/logs/table.log",
    conda:
        ENVIRONMENT
    params:
        dataset=DATASET,
        sequences=list(SEQUENCES),
        allow_missing=config["allow_missing"],
        code=code_digest("table.py"),
    script:
        "../scripts/table.py"
