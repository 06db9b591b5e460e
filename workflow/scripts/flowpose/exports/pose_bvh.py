"""Poses as Biovision's BVH, for Blender and other tools of animators: docs/exports.md."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from flowpose.exports.exported_pose import ExportedPose, even_rate
from flowpose.exports.rigid_body import BONES, RigidBody, fit_rigid_body
from flowpose.storage.whole_files import replacing

_log = logging.getLogger(__name__)
# Rotations of a node, the first outermost: hips that turn to any side are far from its gimbal lock.
_ORDER = "ZXY"
_ROTATIONS = " ".join(f"{axis}rotation" for axis in _ORDER)
# BVH ends every chain in a point without a name; hands, feet and the head end where they begin.
_END_SITE = "OFFSET 0 0 0"


def write(path: Path | str, pose: ExportedPose) -> None:
    """Write pose.bvh: the pose after the method, m and degrees, y up.

    Logs how far its joints are from those of the pose, whose bones vary a little in length.

    Raises:
        InputError: the video does not say when its frames are shown.
    """
    rate = even_rate(pose.header, path)
    body = fit_rigid_body(pose.after.joints_3d)
    distances_mm = 1000 * body.distances(pose.after.joints_3d)
    _log.info(
        "%s: its bones keep their length; joints are %.2f mm off the pose's on average, at most "
        "%.2f mm",
        path,
        distances_mm.mean(),
        distances_mm.max(),
    )
    lines = [
        "HIERARCHY",
        *_hierarchy(body, "Hips"),
        "MOTION",
        f"Frames: {len(body.root)}",
        f"Frame Time: {1 / rate:.8f}",
        *(" ".join(f"{value:.6f}" for value in row) for row in _motion(body)),
    ]
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n")


def _hierarchy(body: RigidBody, name: str, depth: int = 0) -> Iterator[str]:
    """The lines of a node and all below it."""
    space, within = "  " * depth, "  " * (depth + 1)
    offset = " ".join(f"{value:.6f}" for value in body.offsets[name])
    yield f"{space}{'JOINT' if depth else 'ROOT'} {name}"
    yield space + "{"
    yield f"{within}OFFSET {offset}"
    positions = "" if depth else "Xposition Yposition Zposition "
    yield f"{within}CHANNELS {3 if depth else 6} {positions}{_ROTATIONS}"
    children = [bone.name for bone in BONES if bone.parent == name]
    for child in children:
        yield from _hierarchy(body, child, depth + 1)
    if not children:
        yield from (f"{within}End Site", within + "{", f"{within}  {_END_SITE}", within + "}")
    yield space + "}"


def _motion(body: RigidBody) -> Float[np.ndarray, "T channels"]:
    """The values of all channels, in the order of the hierarchy, which is that of `BONES`."""
    angles = [
        body.local_rotation(bone).as_euler(_ORDER, degrees=True, suppress_warnings=True)
        for bone in BONES
    ]
    # Without jumps by whole turns.
    return np.column_stack([body.root, *(np.unwrap(a, period=360, axis=0) for a in angles)])
