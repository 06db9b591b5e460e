"""Skeletons as named data, and the mappings between them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Skeleton:
    """An ordered list of joints. Joints of equal name are the same point of the body."""

    name: str
    joints: tuple[str, ...]

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each joint."""
        return {joint: i for i, joint in enumerate(self.joints)}

    def __len__(self) -> int:
        return len(self.joints)

    def pairs(self, *bones: str) -> tuple[tuple[int, int], ...]:
        """Joint indices of bones written `"joint joint"`."""
        return tuple((self.index[a], self.index[b]) for a, b in (bone.split() for bone in bones))


def _skeleton(name: str, joints: str) -> Skeleton:
    return Skeleton(name, tuple(joints.split()))


METRO_14 = _skeleton(
    "metro_14",
    "r_ankle r_knee r_hip l_hip l_knee l_ankle r_wrist r_elbow r_shoulder "
    "l_shoulder l_elbow l_wrist neck head",
)
COCO_17 = _skeleton(
    "coco_17",
    "nose l_eye r_eye l_ear r_ear l_shoulder r_shoulder l_elbow r_elbow l_wrist r_wrist "
    "l_hip r_hip l_knee r_knee l_ankle r_ankle",
)
# PoseTrack order. Its hips, head and neck are defined unlike METRO's, hence names of their own.
DCPOSE_17 = _skeleton(
    "dcpose_17",
    "nose head_bottom head_top l_ear r_ear l_shoulder r_shoulder l_elbow r_elbow l_wrist r_wrist "
    "l_hip_posetrack r_hip_posetrack l_knee r_knee l_ankle r_ankle",
)
# The names of Human3.6M's own files; a star marks a joint that coincides with an earlier one.
H36M_32 = _skeleton(
    "h36m_32",
    "pelvis r_hip r_knee r_ankle r_toe_base r_toe l_hip l_knee l_ankle l_toe_base l_toe pelvis* "
    "spine neck nose head neck* l_shoulder l_elbow l_wrist l_wrist* l_thumb l_hand l_hand* "
    "neck** r_shoulder r_elbow r_wrist r_wrist* r_thumb r_hand r_hand*",
)
# The 17 that VideoPose3D keeps.
H36M_17 = Skeleton(
    "h36m_17",
    tuple(H36M_32.joints[i] for i in (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)),
)
MEDIAPIPE_33 = _skeleton(
    "mediapipe_33",
    "nose l_eye_inner l_eye l_eye_outer r_eye_inner r_eye r_eye_outer l_ear r_ear mouth_l mouth_r "
    "l_shoulder r_shoulder l_elbow r_elbow l_wrist r_wrist l_pinky r_pinky l_index r_index "
    "l_thumb r_thumb l_hip r_hip l_knee r_knee l_ankle r_ankle l_heel r_heel l_foot_index "
    "r_foot_index",
)

# Joints that a skeleton lacks but that others determine: the middle of two.
_MIDDLES = {
    "coco_17": {"neck": ("l_shoulder", "r_shoulder"), "head": ("l_ear", "r_ear")},
    "mediapipe_33": {"neck": ("l_shoulder", "r_shoulder"), "head": ("l_ear", "r_ear")},
}

# The 13 bones along which the flow target is drawn, in drawing order (the last drawn wins).
FLOW_BONES = METRO_14.pairs(
    "r_ankle r_knee",
    "r_knee r_hip",
    "r_hip r_shoulder",
    "l_ankle l_knee",
    "l_knee l_hip",
    "l_hip l_shoulder",
    "neck r_shoulder",
    "neck l_shoulder",
    "l_shoulder l_elbow",
    "l_elbow l_wrist",
    "r_shoulder r_elbow",
    "r_elbow r_wrist",
    "neck head",
)
# The 15 segments whose lengths the pose refinement keeps constant over time.
LENGTH_BONES = (
    *FLOW_BONES[:3],
    *METRO_14.pairs("r_hip l_hip"),
    *FLOW_BONES[3:],
    *METRO_14.pairs("l_shoulder r_shoulder"),
)
# The root of METRO_14 is the middle of the hips.
HIPS = (METRO_14.index["r_hip"], METRO_14.index["l_hip"])


def sources(source: Skeleton, target: Skeleton) -> tuple[tuple[int, ...], ...]:
    """Which source joints make each target joint: one, two (their middle) or none."""
    middles = _MIDDLES.get(source.name, {})

    def of(joint: str) -> tuple[int, ...]:
        if joint in source.index:
            return (source.index[joint],)
        return tuple(source.index[part] for part in middles.get(joint, ()))

    return tuple(of(joint) for joint in target.joints)


def convert(
    points: Float[np.ndarray, "*batch joints_in dim"], source: Skeleton, target: Skeleton
) -> Float[np.ndarray, "*batch joints_out dim"]:
    """Points of one skeleton as points of another; NaN where the source has no such joint."""
    points = np.asarray(points)
    out = np.full((*points.shape[:-2], len(target), points.shape[-1]), np.nan, points.dtype)
    for joint, parts in enumerate(sources(source, target)):
        if parts:
            out[..., joint, :] = points[..., list(parts), :].mean(-2)
    return out


def convert_confidence(
    confidence: Float[np.ndarray, "*batch joints_in"], source: Skeleton, target: Skeleton
) -> Float[np.ndarray, "*batch joints_out"]:
    """Confidences of one skeleton for another: a middle is as sure as its worse end, no joint 0."""
    confidence = np.asarray(confidence)
    out = np.zeros((*confidence.shape[:-1], len(target)), confidence.dtype)
    for joint, parts in enumerate(sources(source, target)):
        if parts:
            out[..., joint] = confidence[..., list(parts)].min(-1)
    return out
