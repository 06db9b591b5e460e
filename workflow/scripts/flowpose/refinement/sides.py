"""Left and right: which frames have them exchanged, of the whole body, the legs or the arms.

Flow tells: it takes a joint of one frame to where the same joint of the next must be, whatever it
is called. Of all ways to exchange sides frame by frame, of the detections, of the 3D pose, or of
both, a Viterbi path finds the one by which the detections follow the flow best, the 3D pose moves
least and is not wrung in its trunk, and both agree.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import ARMS, LEGS, METRO_14, MIRRORED
from flowpose.pose.weak_perspective import fit_weak_perspective

# Whether legs and arms are exchanged: what a frame can be, as it is first.
STATES = ((False, False), (True, True), (True, False), (False, True))
# Distances count in person heights, up to this: farther off is no worse.
_FARTHEST = 0.2
# What a change of state costs: what all joints together must gain for a fault to be believed.
_CHANGE = 0.4
# A person's height in space, m, that 3D motion is compared with.
_HEIGHT_M = 1.6


def exchanged_joints(state: tuple[bool, bool]) -> Int[np.ndarray, "14"]:
    """Which joint of the input each joint is when legs or arms have their sides exchanged."""
    joints = np.arange(len(METRO_14))
    for part, exchanged in zip((LEGS, ARMS), state, strict=True):
        if exchanged:
            joints[list(part)] = np.array(MIRRORED)[list(part)]
    return joints


_ORDERS = np.stack([exchanged_joints(state) for state in STATES])
# A state relative to another: what both exchange cancels.
_RELATIVE = np.array(
    [
        [STATES.index((legs ^ other_legs, arms ^ other_arms)) for other_legs, other_arms in STATES]
        for legs, arms in STATES
    ]
)


def exchanged_sides(
    detections: Float[np.ndarray, "T 14 2"],
    carried: Float[np.ndarray, "steps T 14 2"],
    pose: Pose,
    height: float,
) -> tuple[Bool[np.ndarray, "T 2"], Bool[np.ndarray, "T 2"]]:
    """Of the detections and of the 3D pose, which frames have the sides of legs, arms exchanged.

    What flow and 3D leave open, which of two consistent labellings is right, the majority of the
    frames decides, of both, their legs and their arms.

    Args:
        detections: px; NaN where there is none.
        carried: where flow takes each frame's detections after one frame, two and so on, px; NaN
            where unknown. So many frames, less one, may lack a detection between two that compare.
        pose: the estimate of the same frames.
        height: of the person, px.
    """
    n = len(detections)
    place, onward = _past_gaps(detections, carried)
    by_flow = _transitions(onward[:-1], place[1:], height)
    by_motion = _transitions(pose.joints_3d[:-1], pose.joints_3d[1:], _HEIGHT_M)
    # A frame's state is that of its detections and that of its pose: 4 x 4.
    steps = by_flow[:, :, None, :, None] + by_motion[:, None, :, None, :]
    steps = steps.reshape(n - 1, 16, 16) + _CHANGE * (1 - np.eye(16))
    own = _disagreement(pose, detections, height)[:, _RELATIVE] + _wringing(pose)[:, None]
    seen, posed = np.divmod(_path(own.reshape(n, 16), steps), len(STATES))
    by_seen, by_pose = np.array(STATES)[seen], np.array(STATES)[posed]
    wrong = (by_seen.sum() + by_pose.sum()) > 2 * n
    return by_seen ^ wrong, by_pose ^ wrong


def _past_gaps(
    detections: Float[np.ndarray, "T 14 2"], carried: Float[np.ndarray, "steps T 14 2"]
) -> tuple[Float[np.ndarray, "T 14 2"], Float[np.ndarray, "T 14 2"]]:
    """Detections, where there is none the one before as flow took it there; and each a frame on."""
    place, onward = detections.copy(), carried[0].copy()
    for gap in range(1, len(carried)):
        lacking = np.isnan(place[gap:])
        place[gap:][lacking] = carried[gap - 1, :-gap][lacking]
        onward[gap:][lacking] = carried[gap, :-gap][lacking]
    return place, onward


def _transitions(
    before: Float[np.ndarray, "pairs 14 d"], after: Float[np.ndarray, "pairs 14 d"], unit: float
) -> Float[np.ndarray, "pairs 4 4"]:
    """The cost of each state followed by each: how far joints are from where they should be.

    A joint counts only where it and its mirror image are known in both frames, or the state that
    compares the fewest would be the cheapest.
    """
    known = np.isfinite(before).all(-1) & np.isfinite(after).all(-1)
    known &= known[:, MIRRORED]
    relative = [_total(before - after[:, order], known, unit) for order in _ORDERS]
    return np.stack(relative, -1)[:, _RELATIVE]


def _disagreement(
    pose: Pose, detections: Float[np.ndarray, "T 14 2"], height: float
) -> Float[np.ndarray, "T 4"]:
    """How far the pose in each state is from the detections, under the camera that fits best."""
    known = np.isfinite(detections).all(-1)
    known &= known[:, MIRRORED]
    cost = np.zeros((len(detections), len(STATES)))
    for state, order in enumerate(_ORDERS):
        joints = pose.joints_3d[:, order]
        camera = fit_weak_perspective(joints, detections, known.astype(float), pose.crop)
        projected = Pose(joints, camera, pose.crop).project()
        cost[:, state] = _total(projected - detections, known, height)
    return cost


def _wringing(pose: Pose) -> Float[np.ndarray, "T 4"]:
    """How far the shoulders of each state are from where they may be: a right angle to the hips.

    Nobody turns them farther than that.
    """
    shoulders, hips = (
        pose.joints_3d[:, METRO_14.index[f"l_{joint}"]]
        - pose.joints_3d[:, METRO_14.index[f"r_{joint}"]]
        for joint in ("shoulder", "hip")
    )
    longer = np.maximum(*(np.linalg.norm(line, axis=-1) for line in (shoulders, hips)))
    along = (shoulders * hips).sum(-1) / np.maximum(longer, 1e-9) / _HEIGHT_M
    exchanged = np.array([-1 if legs ^ arms else 1 for legs, arms in STATES])
    return np.nan_to_num(np.maximum(-along[:, None] * exchanged, 0))


def _total(
    off: Float[np.ndarray, "n 14 d"], known: Bool[np.ndarray, "n 14"], unit: float
) -> Float[np.ndarray, "n"]:
    distance = np.minimum(np.linalg.norm(off, axis=-1) / unit, _FARTHEST)
    return np.where(known & np.isfinite(distance), distance, 0).sum(1)


def _path(
    own: Float[np.ndarray, "T n"], steps: Float[np.ndarray, "T-1 n n"]
) -> Int[np.ndarray, "T"]:
    """The cheapest sequence of states (Viterbi 1967); of equal ones, that as labelled."""
    total, came_from = own[0], []
    for cost, step in zip(own[1:], steps, strict=True):
        paths = total[:, None] + step
        came_from.append(paths.argmin(0))
        total = paths.min(0) + cost
    states = [int(total.argmin())]
    for before in reversed(came_from):
        states.append(int(before[states[-1]]))
    return np.array(states[::-1])
