from snakemake.utils import min_version

min_version("9.0")


# A file given by --configfile replaces the demo's config rather than being merged into it.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/given.smk"
include: "workflow/rules/fetch.smk"
include: "workflow/rules/frames.smk"
include: "workflow/rules/labels.smk"
include: "workflow/rules/truth.smk"
include: "workflow/rules/true_flow.smk"
include: "workflow/rules/landmarks.smk"
include: "workflow/rules/estimates.smk"
include: "workflow/rules/pose.smk"
include: "workflow/rules/memory.smk"
include: "workflow/rules/flow.smk"
include: "workflow/rules/scores.smk"
include: "workflow/rules/table.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/summary.smk"
include: "workflow/rules/exports.smk"
include: "workflow/rules/expected.smk"
include: "workflow/rules/verify.smk"
include: "workflow/rules/endings.smk"


if config["ablation"]:

    include: "workflow/rules/ablation.smk"


# Tables and pictures, which the report shows as well.
FOR_PEOPLE = [
    *rules.table.output,
    *rules.summary.output,
    *rules.joints_figure.output,
    *(rules.by_action_figure.output if config["human36m"] else []),
    *rules.overview.output,
    *expand(rules.figure.output, sequence=SEQUENCES),
    *(rules.ablation.input if config["ablation"] else []),
]


rule all:
    default_target: True
    input:
        told_before_report(FOR_PEOPLE),
        FOR_PEOPLE,
        rules.all_tables.output,
        expand(f"{RESULTS}/{{file}}", sequence=SEQUENCES, file=config["exports"]),
