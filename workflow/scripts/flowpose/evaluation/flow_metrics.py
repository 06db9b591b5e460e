"""Metrics of optical flow. Joints and pixels whose motion is not known count nowhere.

A metric is a function here and an entry in FLOW_METRICS; docs/metrics.md defines each.
"""

import numpy as np
from jaxtyping import Float

from flowpose.errors import InputError
from flowpose.evaluation.dense_errors import dense_errors
from flowpose.evaluation.metric import FlowComparison, FlowMetric, Scores
from flowpose.flow.patches import FlowPatches
from flowpose.flow.sampling import sample_flow
from flowpose.flow.true_flow_file import TrueField
from flowpose.pose.person_size import person_height
from flowpose.runtime.streams import Stream

# The number of joints the reference divides its end-point error by, whatever their number.
REFERENCE_JOINTS = 32


def compare_flow(
    flows: Stream[Float[np.ndarray, "H W 2"]],
    joints: Float[np.ndarray, "T K 2"],
    pose: Float[np.ndarray, "T 14 2"],
    fields: Stream[TrueField] | None,
    *,
    reference: bool,
) -> FlowComparison:
    """What metrics of a flow need.

    Args:
        flows: a field a pair of frames, px.
        joints: where the joints were, px; NaN: not known.
        pose: where a pose has METRO_14's, px; NaN: not estimated.
        fields: the true flow of each pair; None: not known.
        reference: as of `reference_end_point_error`.
    """
    # Both at once, so that fields are read once.
    errors, n = end_point_errors(flows, np.concatenate([joints, pose], axis=1)), joints.shape[1]
    return FlowComparison(
        flows=flows,
        joints=joints,
        pose=pose,
        reference=reference,
        at_joints=Scores(errors.values[:, :n], errors.valid[:, :n], errors.unit),
        at_pose=Scores(errors.values[:, n:], errors.valid[:, n:], errors.unit),
        by_region=dense_errors(flows, fields),
    )


def end_point_errors(
    flows: Stream[Float[np.ndarray, "H W 2"]], joints: Float[np.ndarray, "T K 2"]
) -> Scores:
    """End-point error at each joint, px: bilinear flow there against the joint's own motion.

    Joints that are off the image or unknown in either frame do not count.
    """
    points, motion = joints[:-1], np.diff(joints, axis=0)
    flow, inside = sample_flow(FlowPatches(flows, points, margin=0), points)
    values = np.linalg.norm(flow - motion, axis=-1)
    return Scores(values, inside & np.isfinite(values), "px")


def per_height(errors: Scores, joints: Float[np.ndarray, "T K 2"]) -> Scores:
    """Errors in px as percent of the person's height, which does not depend on the frames' width.

    None counts where the height is unknown.
    """
    height = person_height(joints)
    return Scores(100 * errors.values / height, errors.valid & (height > 0), "%")


def reference_flow_errors(
    flows: Stream[Float[np.ndarray, "H W 2"]], joints: Float[np.ndarray, "T K 2"], reference: bool
) -> Scores:
    """The reference's end-point error of each pair, px: its count of joints, its divisor.

    Args:
        reference: as of `reference_end_point_error`.

    Raises:
        InputError: in reference mode, a joint is where the reference cannot count it.
    """
    try:
        sums = [
            reference_end_point_error(flows[t], joints[t], joints[t + 1], reference=reference)
            for t in range(len(flows))
        ]
    except IndexError as error:
        raise InputError(
            f"truth: {error}: the reference cannot count such a joint (use mode: default)"
        ) from error
    values = np.array(sums) / REFERENCE_JOINTS
    return Scores(values, np.isfinite(values), "px")


def reference_end_point_error(
    flow: Float[np.ndarray, "H W 2"],
    points: Float[np.ndarray, "J 2"],
    next_points: Float[np.ndarray, "J 2"],
    *,
    reference: bool = False,
) -> float:
    """The reference's sum of end-point errors of one flow field, px; NaN if no joint counts.

    As docs/reference.md, 9, says, flow is read at the nearest pixel, and of several joints on a
    pixel only the last counts. To compare with the reference's numbers divide a sequence's sum by
    REFERENCE_JOINTS times pairs.

    Args:
        points: x, y of joints in the first frame, px; not finite: no label.
        next_points: the same in the second frame.
        reference: let negative coordinates count from the far border instead of leaving them out.

    Raises:
        IndexError: in reference mode, a joint lies outside the image on the right or below, or
            further out on the left or above than the image is large.
    """
    height, width = flow.shape[:2]
    seen = np.isfinite(points).all(-1) & np.isfinite(next_points).all(-1)
    pixels: dict[tuple[int, int], np.ndarray] = {}
    for joint in np.flatnonzero(seen):
        column, row = (round(float(coordinate)) for coordinate in points[joint])
        inside = 0 <= row < height and 0 <= column < width
        if not inside and not reference:
            continue
        if not inside and not (-height <= row < height and -width <= column < width):
            raise IndexError(f"joint {joint} at ({column}, {row}) outside {width} x {height} px")
        pixels[row % height, column % width] = next_points[joint] - points[joint]
    if not pixels:
        return float("nan")
    return float(sum(np.hypot(*(motion - flow[pixel])) for pixel, motion in pixels.items()))


# In the order of the table's columns.
FLOW_METRICS = (
    FlowMetric(
        name="epe_px",
        title="EPE",
        unit="px",
        digits=3,
        summary="mean end-point error of the flow at the true joints, px of the cropped and scaled "
        "frames",
        span=2,
        pictured=True,
        score=lambda of: of.at_joints,
    ),
    FlowMetric(
        name="epe_height_percent",
        title="EPE per person height",
        unit="%",
        digits=2,
        summary="that error in percent of the person's height, by which frames of different widths "
        "compare",
        span=2,
        score=lambda of: per_height(of.at_joints, of.joints),
    ),
    FlowMetric(
        name="epe_person_px",
        title="EPE on the person",
        unit="px",
        digits=3,
        summary="mean end-point error over the person's pixels, where the true flow is known",
        span=2,
        score=lambda of: of.by_region["person"],
    ),
    FlowMetric(
        name="epe_border_px",
        title="EPE at the border",
        unit="px",
        digits=3,
        summary="the same near the person's outline, on both sides",
        span=2,
        score=lambda of: of.by_region["border"],
    ),
    FlowMetric(
        name="epe_background_px",
        title="EPE off the person",
        unit="px",
        digits=3,
        summary="the same over all pixels that are not the person's",
        span=2,
        score=lambda of: of.by_region["background"],
    ),
    FlowMetric(
        name="epe_everywhere_px",
        title="EPE everywhere",
        unit="px",
        digits=3,
        summary="the same over all pixels",
        span=2,
        score=lambda of: of.by_region["everywhere"],
    ),
    FlowMetric(
        name="epe_reference",
        title="EPE, reference's count",
        unit="px",
        digits=3,
        summary="the end-point error as the authors' code counts it: nearest pixel, joints that "
        f"share a pixel once, divided by {REFERENCE_JOINTS} joints",
        span=2,
        score=lambda of: reference_flow_errors(of.flows, of.joints, of.reference),
    ),
    FlowMetric(
        name="pose_flow_px",
        title="Pose from flow",
        unit="px",
        digits=3,
        summary="mean distance between the motion of the projected joints and the flow there, px: "
        "how well pose and flow agree",
        span=2,
        pictured=True,
        instead_of="epe_px",
        score=lambda of: of.at_pose,
        at_pose=True,
    ),
    FlowMetric(
        name="pose_flow_height_percent",
        title="Pose from flow per person height",
        unit="%",
        digits=2,
        summary="that distance in percent of the person's height, by which frames of different "
        "widths compare",
        span=2,
        instead_of="epe_height_percent",
        spare=True,
        score=lambda of: per_height(of.at_pose, of.pose),
        at_pose=True,
    ),
)
