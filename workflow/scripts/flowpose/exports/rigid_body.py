"""A skeleton of bones that keep their length, moved by rotations, as animation formats have it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from flowpose.exports.exported_pose import y_up
from flowpose.pose.skeletons import HIPS, METRO_14

_RIGHT, _LEFT, _UP, _DOWN = (-1, 0, 0), (1, 0, 0), (0, 1, 0), (0, -1, 0)
_SAME_PLACE = (0, 0, 0)
# Of unit vectors: so nearly opposite that no axis of the rotation between them can be told.
_OPPOSITE = 1e-6
# The sine of the angle below which two vectors tell no plane.
_IN_LINE = 1e-6


@dataclass(frozen=True)
class Bone:
    """A node of the hierarchy.

    Attributes:
        name: as animation tools have it.
        parent: the node that carries it; "" for the root.
        joint: METRO_14's joint at which it stands; "" for the middle of the hips.
        direction: from its parent at rest: a man who looks along z with his arms out to the sides.
    """

    name: str
    parent: str
    joint: str
    direction: tuple[int, int, int]


def _limbs(side: str, prefix: str, out: tuple[int, int, int]) -> dict[str, list[Bone]]:
    return {
        "leg": [
            Bone(f"{side}UpLeg", "Hips", f"{prefix}_hip", out),
            Bone(f"{side}Leg", f"{side}UpLeg", f"{prefix}_knee", _DOWN),
            Bone(f"{side}Foot", f"{side}Leg", f"{prefix}_ankle", _DOWN),
        ],
        "arm": [
            Bone(f"{side}Shoulder", "Spine", "neck", _UP),
            Bone(f"{side}Arm", f"{side}Shoulder", f"{prefix}_shoulder", out),
            Bone(f"{side}ForeArm", f"{side}Arm", f"{prefix}_elbow", out),
            Bone(f"{side}Hand", f"{side}ForeArm", f"{prefix}_wrist", out),
        ],
    }


_SIDES = _limbs("Right", "r", _RIGHT), _limbs("Left", "l", _LEFT)
# Each after its parent, and all below a node right after it.
BONES = (
    Bone("Hips", "", "", _SAME_PLACE),
    *_SIDES[0]["leg"],
    *_SIDES[1]["leg"],
    Bone("Spine", "Hips", "", _SAME_PLACE),
    *_SIDES[0]["arm"],
    *_SIDES[1]["arm"],
    Bone("Neck", "Spine", "neck", _UP),
    Bone("Head", "Neck", "head", _UP),
)


@dataclass(frozen=True)
class RigidBody:
    """A pose of a skeleton whose bones keep their length; m, y up.

    Attributes:
        root: (T, 3) where the middle of the hips is.
        offsets: of each bone from its parent, at rest.
        rotations: of each bone from its rest, T of them, in the world.
    """

    root: Float[np.ndarray, "T 3"]
    offsets: Mapping[str, Float[np.ndarray, "3"]]
    rotations: Mapping[str, Rotation]

    def local_rotation(self, bone: Bone) -> Rotation:
        """The rotations of a bone relative to its parent's."""
        rotation = self.rotations[bone.name]
        return self.rotations[bone.parent].inv() * rotation if bone.parent else rotation

    def distances(self, joints: Float[np.ndarray, "T 14 3"]) -> Float[np.ndarray, "T 14"]:
        """How far its joints are from those of a pose (m, camera frame), m."""
        places = {"": self.root}
        found = np.full_like(joints, np.nan)
        for bone in BONES:
            start = places[bone.parent]
            if bone.parent:
                start = start + self.rotations[bone.parent].apply(self.offsets[bone.name])
            places[bone.name] = start
            if bone.joint:
                found[:, METRO_14.index[bone.joint]] = start
        return np.linalg.norm(found - y_up(joints), axis=-1)


def fit_rigid_body(joints: Float[np.ndarray, "T 14 3"]) -> RigidBody:
    """The rigid body that stands as a pose does, with the mean lengths of its bones.

    Joints do not tell how a limb turns about itself: each turns from its rest, as seen from its
    parent, by the smallest rotation that points it right. Hips follow the line between them and
    point to the neck as far as that allows; the spine points to the neck, and turns with the
    shoulders.

    Args:
        joints: METRO_14 joints, m, camera frame.
    """
    places = {joint: y_up(joints[:, i]) for joint, i in METRO_14.index.items()}
    places[""] = y_up(joints[:, list(HIPS)].mean(1))
    at = {bone.name: places[bone.joint] for bone in BONES}
    offsets = {bone.name: np.array(bone.direction) * _length(bone, at) for bone in BONES}
    spine = places["neck"] - places[""]
    x, y = _orthogonal(places["l_hip"] - places["r_hip"], spine)
    rotations = {"Hips": _with_axes(x, y)}
    y, x = _orthogonal(spine, places["l_shoulder"] - places["r_shoulder"])
    rotations["Spine"] = _with_axes(x, y)
    for bone in BONES:
        if bone.name not in rotations:
            parent = rotations[bone.parent]
            child = next((below for below in BONES if below.parent == bone.name), None)
            turn = Rotation.identity(len(joints))
            if child is not None:
                seen = parent.inv().apply(at[child.name] - at[bone.name])
                turn = smallest_rotation(np.array(child.direction, float), seen)
            rotations[bone.name] = parent * turn
    return RigidBody(places[""], offsets, rotations)


def smallest_rotation(rest: Float[np.ndarray, "3"], to: Float[np.ndarray, "T 3"]) -> Rotation:
    """The smallest rotations that turn a unit vector into directions.

    One to the opposite is by half a turn about always the same axis; none to a vector of no length.
    """
    length = np.linalg.norm(to, axis=-1, keepdims=True)
    to = np.where(length > 0, to / np.where(length > 0, length, 1), rest)
    quaternions = np.column_stack([np.cross(rest, to), 1 + to @ rest])
    aside = np.eye(3)[np.abs(rest).argmin()]
    half_turn = np.append(np.cross(rest, aside), 0)
    quaternions[np.linalg.norm(quaternions, axis=-1) < _OPPOSITE] = half_turn
    return Rotation.from_quat(quaternions)


def _length(bone: Bone, at: Mapping[str, Float[np.ndarray, "T 3"]]) -> float:
    """The mean distance of a bone's node from its parent's."""
    if not bone.parent:
        return 0.0
    return float(np.linalg.norm(at[bone.name] - at[bone.parent], axis=-1).mean())


def _orthogonal(
    first: Float[np.ndarray, "T 3"], second: Float[np.ndarray, "T 3"]
) -> tuple[Float[np.ndarray, "T 3"], Float[np.ndarray, "T 3"]]:
    """Unit vectors: along the first, and across it toward the second.

    Where these are in line, or one has no length, those of the nearest frame in which they are not;
    if there is none, any.
    """
    lengths = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    told = np.flatnonzero(np.linalg.norm(np.cross(first, second), axis=-1) > _IN_LINE * lengths)
    if len(told):
        nearest = told[np.abs(told - np.arange(len(first))[:, None]).argmin(1)]
        first, second = first[nearest], second[nearest]
    else:
        first = np.where(first.any(-1, keepdims=True), first, np.array(_UP))
        second = np.eye(3)[np.abs(first).argmin(-1)]
    first = first / np.linalg.norm(first, axis=-1, keepdims=True)
    across = second - (second * first).sum(-1, keepdims=True) * first
    return first, across / np.linalg.norm(across, axis=-1, keepdims=True)


def _with_axes(x: Float[np.ndarray, "T 3"], y: Float[np.ndarray, "T 3"]) -> Rotation:
    """The rotations that bring the axes x and y there."""
    return Rotation.from_matrix(np.stack([x, y, np.cross(x, y)], axis=-1))
