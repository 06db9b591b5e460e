"""Rule table: mean scores of a data set, by sequence and cycle, and for Human3.6M by action."""

from jobs import job
from flowpose.datasets.human36m.actions import ACTIVITIES, activity_of
from flowpose.evaluation.action_table import collect_by_action, write_by_action
from flowpose.evaluation.sequence_scores import ScoreFiles
from flowpose.evaluation.sequence_table import collect, write

with job(snakemake):
    params, output = snakemake.params, snakemake.output
    scores = ScoreFiles.of_sequences(params.sequences, snakemake.input.poses, snakemake.input.flows)
    table = collect(
        params.dataset,
        scores,
        allow_missing=params.allow_missing,
        left_out=params.left_out,
        recordings=params.recordings,
    )
    write(table, output.csv, output.md)
    if hasattr(output, "by_action_csv"):
        activities = {name: activity_of(action) for name, (_, action) in params.recordings.items()}
        write_by_action(
            collect_by_action(scores, activities, ACTIVITIES),
            params.dataset,
            output.by_action_csv,
            output.by_action_md,
            output.by_action_tex,
            config=params.config,
        )
