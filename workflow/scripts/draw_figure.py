"""Rule figure: what the method did to a sequence, in a picture."""

from jobs import job
from flowpose.evaluation.sequence_scores import ScoreFiles, read_sequence_scores
from flowpose.pictures.moment_file import read_moment
from flowpose.pictures.sequence_figure import draw_figure

with job(snakemake):
    scores = ScoreFiles(snakemake.input.pose_scores, snakemake.input.flow_scores)
    draw_figure(
        snakemake.output[0],
        read_moment(snakemake.input.moment),
        read_sequence_scores(scores),
        title=snakemake.wildcards.sequence,
    )
