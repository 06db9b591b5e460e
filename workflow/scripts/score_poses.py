"""Rule pose_scores: how far the poses of all cycles are from the truth."""

from jobs import job
from flowpose.evaluation.frame_marks import read_marks
from flowpose.evaluation.pose_scores import write_pose_scores
from flowpose.pose.pose_file import read_pose
from flowpose.pose.truth_file import read_truth

with job(snakemake) as provenance:
    paths, truth = snakemake.input.poses, read_truth(snakemake.input.truth)
    write_pose_scores(
        snakemake.output[0],
        [read_pose(path) for path in paths],
        [read_marks(path, len(truth.joints_3d)) for path in paths],
        truth,
        provenance,
    )
