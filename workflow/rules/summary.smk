from overview import settings_digest

# What a data set's results come to: for papers, in pictures, and in a page that tells what ran.
SCORES = {"poses": rules.table.input.poses, "flows": rules.table.input.flows}


rule summary:
    """Mean scores of the data set in every cycle, with intervals."""
    input:
        **SCORES,
    output:
        csv=update(f"{TABLES}/summary.csv"),
        md=update(f"{TABLES}/summary.md"),
        tex=report(
            update(f"{TABLES}/summary.tex"),
            caption="../report/summary.rst",
            category="Data set",
            labels={"shows": "means and intervals, for LaTeX"},
        ),
    log:
        f"{FOLDER}/logs/{DATASET}/summary.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        dataset=DATASET,
        config=CONFIG_NAME,
        sequences=list(SEQUENCES),
        cycles=CYCLES,
        allow_missing=config["allow_missing"],
        code=code_digest("make_summary.py"),
    script:
        "../scripts/make_summary.py"


rule joints_figure:
    """The errors of each joint, before and after, over all sequences."""
    input:
        **SCORES,
    output:
        png=report(
            f"{TABLES}/joints.png",
            caption="../report/joint_bars.rst",
            category="Data set",
            labels={"shows": "errors by joint"},
        ),
        pdf=f"{TABLES}/joints.pdf",
    log:
        f"{FOLDER}/logs/{DATASET}/joints_figure.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        dataset=DATASET,
        sequences=list(SEQUENCES),
        code=code_digest("draw_joints.py"),
    script:
        "../scripts/draw_joints.py"


# Where there are no actions, nothing asks for it.
rule by_action_figure:
    """Human3.6M's table by action as a picture."""
    input:
        f"{TABLES}/by_action.csv",
    output:
        png=report(
            f"{TABLES}/by_action.png",
            caption="../report/by_action.rst",
            category="Data set",
            labels={"shows": "errors by action"},
        ),
        pdf=f"{TABLES}/by_action.pdf",
    log:
        f"{FOLDER}/logs/{DATASET}/by_action_figure.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        dataset=DATASET,
        code=code_digest("draw_by_action.py"),
    script:
        "../scripts/draw_by_action.py"


rule overview:
    """A page that tells what ran: tables, the config in full, versions, and how long each job took."""
    input:
        **SCORES,
        tables=[f"{TABLES}/table.md", f"{TABLES}/summary.md"],
    output:
        report(
            f"{TABLES}/overview.html",
            caption="../report/overview.rst",
            category="Data set",
            labels={"shows": "what ran: tables, config, versions, times"},
        ),
    log:
        f"{FOLDER}/logs/{DATASET}/overview.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        dataset=DATASET,
        config_name=CONFIG_NAME,
        # The script has it in full.
        config=settings_digest(CONFIG_NAME, CONFIGS[""]),
        logs={sequence: LOGS.format(sequence=sequence) for sequence in SEQUENCES},
        code=code_digest("write_overview.py"),
    script:
        "../scripts/write_overview.py"
