"""How far a sequence's poses are from the truth, and how plausible, by frame and joint."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from flowpose.errors import check
from flowpose.evaluation.metric import PoseComparison
from flowpose.evaluation.pose_metrics import POSE_METRICS
from flowpose.evaluation.roots import rooted
from flowpose.evaluation.score_files import add_scores
from flowpose.pose.keypoint_file import Keypoints
from flowpose.pose.pose_file import Pose
from flowpose.pose.repairs import Repairs
from flowpose.pose.skeletons import LENGTH_BONES, METRO_14
from flowpose.pose.truth_file import Truth
from flowpose.refinement.sides import exchanged_joints
from flowpose.storage import stage_files
from flowpose.storage.provenance import Provenance

_BONES = tuple(f"{METRO_14.joints[a]}-{METRO_14.joints[b]}" for a, b in LENGTH_BONES)


def used_detections(
    keypoints: Keypoints, min_confidence: float, repairs: Repairs | None
) -> Float[np.ndarray, "T 14 2"]:
    """The detections that a refinement took after its repair, px; NaN where none counts.

    Args:
        repairs: what was repaired before; None: nothing.
    """
    counts = keypoints.weights(min_confidence) > 0
    detections = np.where(counts[..., None], keypoints.joints_2d.astype(np.float64), np.nan)
    if repairs is not None:
        states = repairs.detections_exchanged.tolist()
        order = np.stack([exchanged_joints((legs, arms)) for legs, arms in states])
        detections = np.take_along_axis(detections, order[..., None], axis=1)
        detections[repairs.masked] = np.nan
    return detections


def write_pose_scores(
    path: Path | str,
    poses: Sequence[Pose],
    marks: Sequence[Mapping[str, Bool[np.ndarray, "T"]]],
    truth: Truth,
    detections: Float[np.ndarray, "T 14 2"],
    provenance: Provenance,
) -> None:
    """Write pose_scores.h5: a group a pose with all metrics, and which frames are scored at all.

    All poses are averaged over the same joints: those that are known and that the first has.

    Args:
        poses: as estimated, and after each refinement.
        marks: which frames of each were repaired or masked, as `read_marks` returns.
        detections: what all poses are compared with in the picture, px; NaN: none that counts.

    Raises:
        InputError: a pose is not as long as the truth, or lacks joints that the first one has.
    """
    estimated = np.isfinite(poses[0].joints_3d).all(-1) & poses[0].estimated[:, None]
    for k, pose in enumerate(poses):
        check(
            pose.joints_3d.shape == truth.joints_3d.shape,
            path,
            f"poses of shape {pose.joints_3d.shape}, truth of {truth.joints_3d.shape}",
        )
        check(
            bool(np.isfinite(pose.joints_3d[estimated]).all()),
            path,
            f"the pose of cycle {k} lacks joints that the first estimate has",
        )
    known = np.isfinite(truth.joints_3d).all(-1) & estimated
    true_2d = truth.metro_joints_2d()
    known_2d = np.isfinite(true_2d).all(-1) & estimated
    with stage_files.create(path, provenance) as h5:
        stage_files.add(h5, "scored", np.any(rooted(known), axis=1), axes="frame")
        for k, pose in enumerate(poses):
            group = h5.create_group(f"pose_{k}")
            for mark, frames in marks[k].items():
                stage_files.add(group, mark, frames, axes="frame")
            compared = PoseComparison(
                predicted=pose.joints_3d,
                estimated=estimated,
                true=truth.joints_3d,
                known=known,
                predicted_2d=pose.project(),
                true_2d=true_2d,
                known_2d=known_2d,
                detections=detections,
                time=truth.time,
            )
            for metric in POSE_METRICS:
                names, point = (_BONES, "bone") if metric.of_bones else (METRO_14.joints, "joint")
                axes = "frame" if metric.span else "sequence", point
                add_scores(group, metric.name, metric.score(compared), names, axes=axes)
