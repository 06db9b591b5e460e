from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/places.smk"


# A file given by --configfile replaces the demo's config rather than being merged into it.
if not workflow.overwrite_configfiles:

    configfile: CONFIGFILE


# That of a module would be of the config of the workflow that has it.
if not IS_MODULE:

    report: "workflow/report/workflow.rst"


include: f"{RULES}/settings.smk"
include: f"{RULES}/storage.smk"
include: f"{RULES}/common.smk"
include: f"{RULES}/sequences.smk"
include: f"{RULES}/stages.smk"
include: f"{RULES}/named_files.smk"
include: f"{RULES}/demo.smk"
include: f"{RULES}/given.smk"
include: f"{RULES}/fetch.smk"
include: f"{RULES}/frames.smk"
include: f"{RULES}/labels.smk"
include: f"{RULES}/truth.smk"
include: f"{RULES}/true_flow.smk"
include: f"{RULES}/landmarks.smk"
include: f"{RULES}/estimates.smk"
include: f"{RULES}/pose.smk"
include: f"{RULES}/memory.smk"
include: f"{RULES}/flow.smk"
include: f"{RULES}/scores.smk"
include: f"{RULES}/table.smk"
include: f"{RULES}/figures.smk"
include: f"{RULES}/summary.smk"
include: f"{RULES}/page.smk"
include: f"{RULES}/exports.smk"
include: f"{RULES}/overlay.smk"
include: f"{RULES}/expected.smk"
include: f"{RULES}/verify.smk"
include: f"{RULES}/endings.smk"


if config["ablation"]:

    include: f"{RULES}/ablation.smk"


EXPORTED = expand(f"{RESULTS}/{{file}}", sequence=SEQUENCES, file=config["exports"])
# Tables and pictures, which the report shows as well.
FOR_PEOPLE = [
    *rules.table.output,
    *rules.summary.output,
    *rules.joints_figure.output,
    *(rules.by_action_figure.output if config["human36m"] else []),
    *rules.overview.output,
    # Outputs of a storage cannot be expanded.
    *expand(FIGURES, sequence=SEQUENCES),
    *(rules.ablation.input if config["ablation"] else []),
]


rule all:
    input:
        told_before_report(
            [
                *FOR_PEOPLE,
                *(file for file in EXPORTED if Path(file).name == "page.html"),
            ]
        ),
        FOR_PEOPLE,
        rules.all_tables.output,
        EXPORTED,
