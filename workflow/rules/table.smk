# Only Human3.6M has actions.
by_action = (
    {f"by_action_{kind}": f"{FOLDER}/by_action.{kind}" for kind in ("csv", "md", "tex")}
    if config["human36m"]
    else {}
)


rule table:
    """Mean scores of every sequence and cycle."""
    input:
        poses=expand(f"{RESULTS}/pose_scores.h5", sequence=SEQUENCES),
        # All cycles of a sequence, then those of the next one.
        flows=expand(
            f"{RESULTS}/flow_scores_{{cycle}}.h5",
            sequence=SEQUENCES,
            cycle=range(CYCLES + 1),
        ),
    output:
        **by_action,
        csv=report(
            f"{FOLDER}/table.csv", caption="../report/table.rst", category="Table"
        ),
        md=f"{FOLDER}/table.md",
    log:
        f"{FOLDER}/logs/table.log",
    # Too little to queue for on a cluster.
    localrule: True
    conda:
        ENVIRONMENT
    params:
        dataset=DATASET,
        sequences=list(SEQUENCES),
        cycles=CYCLES,
        left_out=LEFT_OUT,
        recordings={
            name: [item.get("subject", ""), item.get("action", "")]
            for name, item in SEQUENCES.items()
            if "subject" in item or "action" in item
        },
        allow_missing=config["allow_missing"],
        code=code_digest("make_tables.py"),
    script:
        "../scripts/make_tables.py"
