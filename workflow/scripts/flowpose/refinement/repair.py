"""Repairing what a pose and its detections have wrong, before the pose is refined."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from flowpose.pose.person_size import person_height
from flowpose.pose.pose_file import Pose
from flowpose.pose.repairs import Repairs
from flowpose.pose.weak_perspective import fit_weak_perspective
from flowpose.refinement.carrying import carry
from flowpose.refinement.jumps import MOST_FRAMES, jumped
from flowpose.refinement.sides import STATES, exchanged_joints, exchanged_sides
from flowpose.runtime.streams import Stream


def repair(
    pose: Pose,
    detections: Float[np.ndarray, "T 14 2"],
    weights: Float[np.ndarray, "T 14"],
    flow: Stream[Float[np.ndarray, "H W 2"]],
) -> tuple[Pose, Float[np.ndarray, "T 14 2"], Float[np.ndarray, "T 14"], Repairs]:
    """Give joints the side that they are on, and leave out detections that jump.

    Args:
        detections: px.
        weights: of the detections; 0 where there is none.
        flow: from each frame to the next, px. Each field is read once.

    Returns:
        The pose, with cameras fitted anew where sides were exchanged, the detections and their
        weights, and what was found.
    """
    height = person_height(pose.project())
    known = weights > 0
    seen = np.where(known[..., None], detections, np.nan)
    carried = carry(flow, seen, MOST_FRAMES + 1)
    by_seen, by_pose = exchanged_sides(seen, carried, pose, height)

    order = _orders(by_seen)
    detections = np.take_along_axis(detections, order[..., None], axis=1)
    weights = np.take_along_axis(weights, order, axis=1)
    seen = np.take_along_axis(seen, order[..., None], axis=1)
    masked = jumped(seen, np.take_along_axis(carried, order[None, ..., None], axis=2), height)
    masked &= weights > 0
    weights = np.where(masked, 0, weights)

    joints = np.take_along_axis(pose.joints_3d, _orders(by_pose)[..., None], axis=1)
    camera = fit_weak_perspective(joints, detections, weights, pose.crop)
    changed = (by_seen != by_pose).any(1) & (camera[:, 0] > 0)
    camera = np.where(changed[:, None], camera, pose.camera).astype(pose.camera.dtype)
    repaired = replace(pose, joints_3d=joints, camera=camera)
    return repaired, detections, weights, Repairs(by_seen, by_pose, masked)


def _orders(exchanged: Bool[np.ndarray, "T 2"]) -> np.ndarray:
    """Of which joint each joint takes the place, a frame."""
    orders = {state: exchanged_joints(state) for state in STATES}
    return np.stack([orders[bool(legs), bool(arms)] for legs, arms in exchanged])
