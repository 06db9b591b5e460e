"""Rule pose_scores: how far the poses of all cycles are from the truth."""

from jobs import job
from flowpose.evaluation.pose_scores import write_pose_scores
from flowpose.pose.pose_file import read_pose
from flowpose.pose.truth_file import read_truth

with job(snakemake) as provenance:
    write_pose_scores(
        snakemake.output[0],
        [read_pose(path) for path in snakemake.input.poses],
        read_truth(snakemake.input.truth),
        provenance,
    )
