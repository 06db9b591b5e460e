"""Skeletons as named data, and the mappings between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Skeleton:
    """An ordered list of joints. Joints of equal name are the same point of the body.

    Attributes:
        joints: their names.
        middles: joints that it lacks but that two of its own determine: they are half way between.
    """

    name: str
    joints: tuple[str, ...]
    middles: Mapping[str, tuple[str, str]] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, name: str, joints: str, **middles: tuple[str, str]) -> "Skeleton":
        """A skeleton whose joints are written one after the other, with blanks between them."""
        return cls(name, tuple(joints.split()), middles)

    @classmethod
    def with_middles(cls, name: str, joints: tuple[str, ...]) -> "Skeleton":
        """A skeleton of joints that a file names; neck and head are between shoulders and ears."""
        lacking = {
            middle: ends
            for middle, ends in _MIDDLES.items()
            if middle not in joints and set(ends) <= set(joints)
        }
        return cls(name, joints, lacking)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each joint."""
        return {joint: i for i, joint in enumerate(self.joints)}

    def __len__(self) -> int:
        return len(self.joints)

    def pairs(self, *bones: str) -> tuple[tuple[int, int], ...]:
        """Joint indices of bones written `"joint joint"`."""
        return tuple((self.index[a], self.index[b]) for a, b in (bone.split() for bone in bones))


_MIDDLES = {"neck": ("l_shoulder", "r_shoulder"), "head": ("l_ear", "r_ear")}
METRO_14 = Skeleton.of(
    "metro_14",
    "r_ankle r_knee r_hip l_hip l_knee l_ankle r_wrist r_elbow r_shoulder "
    "l_shoulder l_elbow l_wrist neck head",
)
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
# METRO_14's joints with left and right exchanged; the legs' joints; the arms'.
MIRRORED = tuple(
    METRO_14.index[{"r_": "l_", "l_": "r_"}.get(joint[:2], joint[:2]) + joint[2:]]
    for joint in METRO_14.joints
)
LEGS, ARMS = (
    tuple(i for i, joint in enumerate(METRO_14.joints) if joint[2:] in names)
    for names in (("ankle", "knee", "hip"), ("wrist", "elbow", "shoulder"))
)
# The root of METRO_14 is the middle of the hips.
HIPS = (METRO_14.index["r_hip"], METRO_14.index["l_hip"])


def sources(source: Skeleton, target: Skeleton) -> tuple[tuple[int, ...], ...]:
    """Which source joints make each target joint: one, two (their middle) or none."""

    def of(joint: str) -> tuple[int, ...]:
        if joint in source.index:
            return (source.index[joint],)
        return tuple(source.index[part] for part in source.middles.get(joint, ()))

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
