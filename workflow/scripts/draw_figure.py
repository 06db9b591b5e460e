"""Rule figure: what the method did to a sequence, in a picture."""

from flowpose.evaluation.sequence_scores import ScoreFiles, read_sequence_scores
from flowpose.pictures.sequence_figure import draw_figure
from flowpose.pose.pose_file import read_pose
from flowpose.pose.truth_file import read_truth
from jobs import job

with job(snakemake):
    scores = ScoreFiles(snakemake.input.pose_scores, snakemake.input.flow_scores)
    draw_figure(
        snakemake.output[0],
        snakemake.input.frames,
        read_truth(snakemake.input.truth),
        read_sequence_scores(scores),
        snakemake.input.flows,
        [read_pose(path) for path in snakemake.input.poses],
        title=snakemake.wildcards.sequence,
    )
