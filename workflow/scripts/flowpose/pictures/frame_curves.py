"""Curves over the frames of a sequence: what errs, what agrees and how the joints move."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from flowpose.evaluation.flow_metrics import FLOW_METRICS
from flowpose.evaluation.metric import FlowMetric, Metric, Scores
from flowpose.evaluation.pose_metrics import POSE_METRICS
from flowpose.evaluation.roots import consecutive, rooted
from flowpose.evaluation.sequence_scores import SequenceScores
from flowpose.evaluation.truthless_metrics import speeds_of_change
from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.truth_file import Truth

_METRICS: Mapping[str, Metric] = {of.name: of for of in (*POSE_METRICS, *FLOW_METRICS)}
# Errors, agreement, and what the truth has as well.
_OWN_ACCELERATION = "pose_accel_m_s2"
_SHOWN = (
    *("mpjpe_mm", "error_2d_px", "accel_mm", "motion_px", "epe_px"),
    *("pose_flow_px", "pose_detections_px", _OWN_ACCELERATION),
)


@dataclass(frozen=True)
class Curves:
    """A quantity in every frame.

    Attributes:
        title: for people.
        unit: of its values.
        digits: after the point, for people.
        summary: what it is, in a line.
        values: of METRO_14's joints, and last of the mean over all joints, by "truth", "before" and
            "after"; NaN: not known. A value of two frames is that of the first, one of three that
            of the middle one.
    """

    title: str
    unit: str
    digits: int
    summary: str
    values: Mapping[str, Float[np.ndarray, "T 15"]]


def frame_curves(scores: SequenceScores, poses: Sequence[Pose], truth: Truth) -> list[Curves]:
    """The curves of a sequence of which anything is known.

    Args:
        scores: of all poses, and of the flows of the first and the last cycle.
        poses: as estimated and, if the pose was refined, as refined last.
    """
    shown = [_METRICS[name] for name in _SHOWN if scores.knows(_METRICS[name])]
    return [*(_of_metric(metric, scores, truth) for metric in shown), _motion(poses, truth)]


def _of_metric(metric: Metric, scores: SequenceScores, truth: Truth) -> Curves:
    """A metric before and after; of the truth, too, if that has it."""
    n, span = len(truth.time), metric.span or 1
    at_truth = isinstance(metric, FlowMetric) and not metric.at_pose
    joints = truth.names_2d if at_truth else METRO_14.joints
    first, *others = scores.history(metric)
    values = {"before": _in_frames(first, span, n, joints)}
    if others:
        values["after"] = _in_frames(others[-1], span, n, joints)
    if metric.name == _OWN_ACCELERATION:
        own = speeds_of_change(truth.joints_3d, truth.time, 2)
        known = consecutive(rooted(np.isfinite(truth.joints_3d).all(-1)), span)
        values |= _if_known(Scores(own, known & np.isfinite(own), metric.unit), span, n)
    return Curves(metric.title, metric.unit, metric.digits, metric.summary, values)


def _motion(poses: Sequence[Pose], truth: Truth) -> Curves:
    """How far joints move in the picture to the next frame; not those of interpolated frames."""
    values: dict[str, np.ndarray] = {}
    for who, pose in zip(("before", "after"), poses, strict=False):
        joints = pose.project().astype(np.float64)
        known = np.isfinite(joints).all(-1) & poses[0].estimated[:, None]
        values[who] = _in_frames(_distances(joints, known), 2, len(joints), METRO_14.joints)
    true = truth.metro_joints_2d()
    values |= _if_known(_distances(true, np.isfinite(true).all(-1)), 2, len(true))
    summary = "distance that the projected joints move to the next frame"
    return Curves("Motion", "px/frame", 2, summary, values)


def _distances(joints: Float[np.ndarray, "T 14 2"], known: Bool[np.ndarray, "T 14"]) -> Scores:
    """How far known joints move to the next frame, px."""
    return Scores(np.linalg.norm(np.diff(joints, axis=0), axis=-1), consecutive(known, 2), "px")


def _if_known(scores: Scores, span: int, n: int) -> dict[str, Float[np.ndarray, "T 15"]]:
    """Those of the truth, if any is known."""
    if not scores.valid.any():
        return {}
    return {"truth": _in_frames(scores, span, n, METRO_14.joints)}


def _in_frames(
    scores: Scores, span: int, n: int, joints: Sequence[str]
) -> Float[np.ndarray, "T 15"]:
    """Scores of joints with these names in each of n frames: of METRO_14's, and their mean last."""
    start = (span - 1) // 2
    rows = slice(start, start + len(scores.values))
    curves = np.full((n, len(METRO_14) + 1), np.nan)
    curves[rows, -1] = scores.frame_means()
    for j, joint in enumerate(METRO_14.joints):
        if joint in joints:
            of = list(joints).index(joint)
            curves[rows, j] = np.where(scores.valid[:, of], scores.values[:, of], np.nan)
    return curves
