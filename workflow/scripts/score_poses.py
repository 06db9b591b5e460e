"""Rule pose_scores: how far the poses of all cycles are from the truth, and how plausible."""

from jobs import job
from flowpose.evaluation.frame_marks import read_marks
from flowpose.evaluation.pose_scores import used_detections, write_pose_scores
from flowpose.pose.keypoint_file import read_keypoints
from flowpose.pose.pose_file import read_pose, read_repairs
from flowpose.pose.truth_file import read_truth

with job(snakemake) as provenance:
    paths, truth = snakemake.input.poses, read_truth(snakemake.input.truth)
    keypoints = read_keypoints(snakemake.input.keypoints)
    write_pose_scores(
        snakemake.output[0],
        [read_pose(path) for path in paths],
        [read_marks(path, len(truth.joints_3d)) for path in paths],
        truth,
        # One set for all poses: what the last one was refined toward.
        used_detections(keypoints, snakemake.params.min_confidence, read_repairs(paths[-1])),
        provenance,
    )
