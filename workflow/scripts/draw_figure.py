"""Rule figure: what the method did to a sequence, in a picture."""

from flowpose.pictures.sequence_figure import draw_figure
from flowpose.pose.pose_file import read_pose
from flowpose.pose.truth_file import read_truth
from jobs import job

with job(snakemake):
    draw_figure(
        snakemake.output[0],
        snakemake.input.frames,
        read_truth(snakemake.input.truth),
        snakemake.input.metrics,
        snakemake.input.flows,
        [read_pose(path) for path in snakemake.input.poses],
        title=snakemake.wildcards.sequence,
    )
