# Only Human3.6M has actions.
by_action = (
    {f"by_action_{kind}": f"{TABLES}/by_action.{kind}" for kind in ("csv", "md", "tex")}
    if config["human36m"]
    else {}
)


rule table:
    """Mean scores of every sequence and cycle of the data set."""
    input:
        poses=expand(f"{RESULTS}/pose_scores.h5", sequence=SEQUENCES),
        # All cycles of a sequence, then those of the next one.
        flows=[
            stage_file(sequence, f"flow_scores_{cycle}.h5")
            for sequence in SEQUENCES
            for cycle in range(CYCLES + 1)
        ],
    output:
        **{name: update(path) for name, path in by_action.items()},
        # To update: a run that fails leaves the last table.
        csv=report(
            update(f"{TABLES}/table.csv"),
            caption="../report/table.rst",
            category="Table",
            labels={"shows": "means of every sequence and cycle"},
        ),
        md=update(f"{TABLES}/table.md"),
    log:
        f"{FOLDER}/logs/{DATASET}/table.log",
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
        # Of captions.
        config=CONFIG_NAME if by_action else "",
        code=code_digest("make_table.py"),
    script:
        "../scripts/make_table.py"


rule all_tables:
    """The tables of all data sets in the results, as one."""
    input:
        tables_there,
    output:
        csv=update(f"{FOLDER}/table.csv"),
        md=update(f"{FOLDER}/table.md"),
    log:
        f"{FOLDER}/logs/table.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        tables=tables_there,
        code=code_digest("join_tables.py"),
    script:
        "../scripts/join_tables.py"
