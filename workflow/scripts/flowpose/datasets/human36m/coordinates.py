"""Which coordinates 3D labels are in: files do not say, and those that look alike differ in it."""

from typing import Literal

import numpy as np
from jaxtyping import Float

from flowpose.datasets.human36m.h36m_skeletons import H36M_32
from flowpose.errors import InputError, check

CoordinateFrame = Literal["world", "camera"]

_PELVIS = H36M_32.index["pelvis"]
# Where a pelvis mostly is in the world: within so many m of the origin, from the floor to standing.
_WORLD_RADIUS = 4.0
_WORLD_HEIGHT = (-0.1, 1.5)
# And how far it mostly is in front of a camera, m.
_CAMERA_DEPTH = (2.0, 9.0)
# How far apart the joints of somebody are, who stands, sits or lies, m.
_SPAN = (0.4, 3.0)
# Nearer than this to the origin in all frames it was put there, m.
_AT_ORIGIN = 1e-3


def coordinate_frame(joints: Float[np.ndarray, "F 32 3"], where: object) -> CoordinateFrame:
    """The frame that joints are in, m, by where the pelvis mostly is.

    In the world, z points up from the floor and the room is around the origin; in a camera's frame,
    z is the distance from it.

    Args:
        where: what to name in errors.

    Raises:
        InputError: they are relative to the pelvis, in another unit or in no frame of Human3.6M.
    """
    joints = joints[np.isfinite(joints[:, _PELVIS]).all(-1)]
    pelvis = joints[:, _PELVIS]
    check(len(pelvis) > 0, where, "the pelvis is known in no frame")
    check(
        float(np.abs(pelvis).max()) > _AT_ORIGIN,
        where,
        "the pelvis is at the origin in all frames: the labels are relative to it",
        "labels in the world or in a camera's frame are needed",
    )
    span = np.median((np.nanmax(joints, axis=1) - np.nanmin(joints, axis=1)).max(-1))
    check(
        bool(_SPAN[0] <= span <= _SPAN[1]),
        where,
        f"somebody whose joints span {span:.3g} m",
        "labels in metres are needed, raw files in mm",
    )
    x, y, z = np.median(pelvis, axis=0)
    if _CAMERA_DEPTH[0] <= z <= _CAMERA_DEPTH[1]:
        return "camera"
    if _WORLD_HEIGHT[0] <= z <= _WORLD_HEIGHT[1] and np.hypot(x, y) <= _WORLD_RADIUS:
        return "world"
    raise InputError(
        f"{where}: the pelvis is mostly at ({x:.3g}, {y:.3g}, {z:.3g}), which is neither in the "
        "middle of the room nor a few metres in front of a camera"
    )
