"""Rule page: a page on a sequence, to look through in a browser."""

from jobs import job
from flowpose.evaluation.sequence_scores import ScoreFiles, read_sequence_scores
from flowpose.pictures.sequence_page import PageContent, write_page
from flowpose.pictures.small_frames import read_small_frames
from flowpose.pose.pose_file import read_pose
from flowpose.pose.truth_file import read_truth
from flowpose.video.frames_file import read_header

with job(snakemake):
    inputs = snakemake.input
    content = PageContent(
        snakemake.wildcards.sequence,
        read_small_frames(inputs.frames),
        read_header(inputs.poses[0]),
        [read_pose(path) for path in inputs.poses],
        read_truth(inputs.truth),
        read_sequence_scores(ScoreFiles(inputs.pose_scores, inputs.flow_scores)),
        snakemake.params.cycles,
    )
    write_page(snakemake.output[0], content)
