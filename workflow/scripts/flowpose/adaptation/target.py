"""The flow that a pose sequence implies, drawn over an estimated flow (paper section 3.2)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int16
from torch import Tensor

from flowpose.adaptation.body import HALF_WIDTHS, limb_points, visible_limbs
from flowpose.pose.person_size import person_height as height_of_person
from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import FLOW_BONES
from flowpose.raft.padding import upload

POINTS_PER_BONE = 22
_STARTS, _ENDS = (list(joints) for joints in zip(*FLOW_BONES, strict=True))


def skeleton_points(
    joints: Float[np.ndarray, "*batch 14 2"], *, reference: bool = False
) -> Float[np.ndarray, "*batch 286 2"]:
    """POINTS_PER_BONE points along each of FLOW_BONES, from end to end, bone after bone.

    In reference mode float32 ends and their float32 difference are interpolated in float64, which
    is how NumPy 1 promoted them; otherwise in the precision of the joints.
    """
    start, end = joints[..., _STARTS, None, :], joints[..., _ENDS, None, :]
    precision = np.float64 if reference else joints.dtype
    step = np.arange(POINTS_PER_BONE, dtype=precision)[:, None]
    points = start + step * ((end - start).astype(precision) / (POINTS_PER_BONE - 1))
    points[..., -1:, :] = end
    return points.reshape(*joints.shape[:-2], len(FLOW_BONES) * POINTS_PER_BONE, 2)


@dataclass(frozen=True)
class Drawing:
    """Parts that move, to be drawn over a flow field.

    Attributes:
        part: which part a pixel shows; -1: none.
        motion: of each part, px.
        reference: draw in float64; else in the precision of the flow.
    """

    part: Int16[np.ndarray, "H W"]
    motion: Float[np.ndarray, "n 2"]
    reference: bool = False

    def over(self, flow: Float[Tensor, "H W 2"]) -> Float[Tensor, "H W 2"]:
        """The flow with the parts over it, on its device."""
        flow = flow.double() if self.reference else flow
        part = upload(self.part, flow.device).int()
        motion = upload(self.motion, flow.device).to(flow.dtype)
        return torch.where(part[..., None] < 0, flow, motion[part])


@dataclass(frozen=True)
class Target:
    """What the motion of a pose draws over the flow of each pair of frames.

    Attributes:
        joints: METRO_14 joints of the pose, px.
        reach: how far from the joints and what is between them it draws, px.
        drawing: of a pair.
    """

    joints: Float[np.ndarray, "T 14 2"]
    reach: float
    drawing: Callable[[int], Drawing]


def pose_target(
    pose: Pose,
    size: tuple[int, int],
    *,
    shape: Literal["body", "blocks"],
    at: Literal["seen", "pose"],
    radius: int,
    person_height: float | None,
    reference: bool = False,
) -> Target:
    """What a pose draws over the flow of frames of a size (height and width, px).

    Args:
        shape: `body`: see `body_target`; `blocks`: see `draw_skeleton`.
        at: where a body is drawn, see `body_target`.
        radius, person_height: of blocks, see `block_radius`.
        reference: blocks of that radius, as the reference draws them.
    """
    if shape == "body":
        return body_target(pose, size, at=at)
    joints = pose.project()
    if not reference:
        radius = block_radius(joints, radius=radius, person_height=person_height)
    return blocks_target(joints, size, radius=radius, reference=reference)


def body_target(
    pose: Pose, size: tuple[int, int], *, at: Literal["seen", "pose"] = "seen"
) -> Target:
    """The pose's limbs, each pixel of which moves as the point of the limb's axis beside it.

    In frames that the estimator lacks, the pose is a guess: their pairs have no target.

    Args:
        size: height and width of the frames, px.
        at: where the limbs are drawn: where their joints were `seen`, if that is known, or where
            the `pose` is projected. A weak-perspective camera puts what is nearer or farther than
            the hips beside where it is seen. The motion is the pose's in any case.
    """
    joints, px_per_m = pose.project(), pose.px_per_m
    joints[list(pose.missing)] = np.nan
    places = joints
    if at == "seen" and pose.seen_2d is not None:
        places = np.where(np.isfinite(joints), pose.seen_2d, np.nan)

    def drawing(t: int) -> Drawing:
        motion = limb_points(joints[t + 1]) - limb_points(joints[t])
        shown = visible_limbs(places[t], pose.joints_3d[t, :, 2], size, px_per_m=float(px_per_m[t]))
        shown[~np.isfinite(motion).all(-1)[shown]] = -1
        return Drawing(shown, motion)

    return Target(places, float(HALF_WIDTHS.max() * px_per_m.max()), drawing)


def blocks_target(
    joints: Float[np.ndarray, "T 14 2"],
    size: tuple[int, int],
    *,
    radius: int,
    reference: bool = False,
) -> Target:
    """The paper's: blocks along the skeleton, see `draw_skeleton`."""

    def drawing(t: int) -> Drawing:
        return draw_skeleton(joints[t], joints[t + 1], size, radius=radius, reference=reference)

    return Target(joints, radius, drawing)


def draw_skeleton(
    joints: Float[np.ndarray, "14 2"],
    next_joints: Float[np.ndarray, "14 2"],
    size: tuple[int, int],
    *,
    radius: int,
    reference: bool = False,
) -> Drawing:
    """Blocks around the skeleton that move as the skeleton does (paper section 3.2).

    A block of 2 radius x 2 radius px reaches from `radius` px above and left of the rounded point
    to `radius - 1` px below and right of it; later points overwrite earlier ones. Points that are
    not finite in both frames are left out.

    Args:
        joints: METRO_14 joints in the first frame, px.
        next_joints: the same in the second frame.
        size: height and width of the flow field, px.
        radius: of the blocks, px; the paper's is 15.
        reference: draw as the reference does (docs/reference.md, 8): in float64, points with a zero
            coordinate left out, and blocks that stick out above or left not clipped to the image
            but lost, or wrapped to the opposite border where they lie outside altogether.
    """
    points = skeleton_points(joints, reference=reference)
    next_points = skeleton_points(next_joints, reference=reference)
    seen = np.isfinite(points).all(-1) & np.isfinite(next_points).all(-1)
    if reference:
        seen &= (points != 0).all(-1) & (next_points != 0).all(-1)
    block = np.full(size, -1, np.int16)
    for point in np.flatnonzero(seen):
        column, row = (round(float(coordinate)) for coordinate in points[point])
        top, left, bottom, right = row - radius, column - radius, row + radius, column + radius
        if not reference:
            top, left, bottom, right = max(top, 0), max(left, 0), max(bottom, 0), max(right, 0)
        block[top:bottom, left:right] = point
    return Drawing(block, next_points - points, reference)


def block_radius(
    joints: Float[np.ndarray, "T 14 2"], *, radius: int, person_height: float | None
) -> int:
    """The radius of a target's blocks for people of the size seen.

    Args:
        joints: METRO_14 joints, px.
        radius: of blocks for a person of `person_height` px. The paper has 15 px, for people of
            some 500 px.
        person_height: None for blocks of a fixed size, as in the paper.

    Returns:
        The radius for the sequence's median person (`flowpose.pose.person_size`), at least 1 px.
    """
    if person_height is None:
        return radius
    return round(float(np.fmax(1, radius * height_of_person(joints) / person_height)))
