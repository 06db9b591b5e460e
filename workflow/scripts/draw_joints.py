"""Rule joints_figure: the errors of each joint, over all sequences of a data set."""

from jobs import job
from flowpose.evaluation.joint_table import collect_joints
from flowpose.evaluation.sequence_scores import ScoreFiles
from flowpose.pictures.joint_bars import draw_joint_bars

with job(snakemake):
    params, output = snakemake.params, snakemake.output
    scores = ScoreFiles.of_sequences(params.sequences, snakemake.input.poses, snakemake.input.flows)
    draw_joint_bars(collect_joints(scores), output.png, output.pdf, title=params.dataset)
