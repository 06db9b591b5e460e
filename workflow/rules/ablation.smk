rule ablation_table:
    """Mean scores of the variants of the config, and their differences."""
    input:
        # All sequences of a row, then those of the next one.
        poses=[
            stage_file(in_variant(row.variant, sequence), "pose_scores.h5")
            for row in ROWS
            for sequence in SEQUENCES
        ],
        flows=[
            stage_file(
                in_variant(row.variant, sequence), f"flow_scores_{row.cycle}.h5"
            )
            for row in ROWS
            for sequence in SEQUENCES
        ],
    output:
        csv=report(
            update(f"{TABLES}/ablation.csv"),
            caption="../report/ablation.rst",
            category="Ablation",
            labels={"shows": "as a table"},
        ),
        md=update(f"{TABLES}/ablation.md"),
        tex=update(f"{TABLES}/ablation.tex"),
    log:
        f"{FOLDER}/logs/{DATASET}/ablation_table.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        dataset=DATASET,
        config=CONFIG_NAME,
        sequences=list(SEQUENCES),
        rows=[
            {
                "name": row.name,
                "compared_with": row.compared_with,
                "cycle": row.cycle,
            }
            for row in ROWS
        ],
        # Whose files these are, which moves with the config.
        owners=[
            in_variant(*SHARING.owner(row.variant, stage))
            for row in ROWS
            for stage in ("pose_scores", f"flow_scores_{row.cycle}")
        ],
        allow_missing=config["allow_missing"],
        code=code_digest("tabulate_ablation.py"),
    script:
        "../scripts/tabulate_ablation.py"


rule ablation_figure:
    """The table as a picture."""
    input:
        f"{TABLES}/ablation.csv",
    output:
        png=report(
            f"{TABLES}/ablation.png",
            caption="../report/ablation.rst",
            category="Ablation",
            labels={"shows": "as a picture"},
        ),
        pdf=f"{TABLES}/ablation.pdf",
    log:
        f"{FOLDER}/logs/{DATASET}/ablation_figure.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        dataset=DATASET,
        code=code_digest("draw_ablation.py"),
    script:
        "../scripts/draw_ablation.py"


rule ablation:
    """All that compares the variants of the config."""
    input:
        rules.ablation_table.output,
        rules.ablation_figure.output,
    localrule: True
