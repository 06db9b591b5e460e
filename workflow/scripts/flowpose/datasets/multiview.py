"""Joints triangulated from several calibrated cameras, seen from one of them."""

from pathlib import Path

import cv2
import numpy as np

from flowpose.errors import check
from flowpose.pose.labels import Labels
from flowpose.pose.skeletons import METRO_14
from flowpose.storage.plain_npz import Arrays, camera_index, field, read_npz

_M_PER_MM = 1e-3
# The calibration of one camera, by array: its shape.
_CALIBRATION: dict[str, tuple[int, ...]] = {
    "R": (3, 3),
    "t_mm": (3,),
    "K": (3, 3),
    "distortion": (4,),
    "video_to_calibration_scale": (),
    "video_to_calibration_offset_px": (2,),
}


def read_labels(file: Path | str, camera: str) -> Labels:
    """World joints brought into one camera and projected to its video.

    Args:
        file: npz with `cameras` (C), `joints_world_mm` (F, 14, 3), `R` (C, 3, 3) and `t_mm`
            (C, 3) with x_camera = R x_world + t, `K` (C, 3, 3), `distortion` (C, 4; OpenCV's k1 k2
            p1 p2), and per camera the map (video px + `video_to_calibration_offset_px`) *
            `video_to_calibration_scale` to the px of the calibration.

    Raises:
        InputError: a file, array or camera is missing, or the joints are not METRO's 14.
    """
    data, source = read_npz(file), f"{file}: joints_world_mm"
    index = camera_index(data, file, camera)
    world = field(data, file, "joints_world_mm").astype(np.float64)
    check(
        world.shape[1:] == (14, 3),
        source,
        f"expected (frames, 14, 3) for METRO's joints, found {world.shape}",
    )
    check(bool(np.isfinite(world).any()), source, "no joint is known")
    rotation, translation, intrinsics, distortion, scale, offset = (
        _of_camera(data, file, name, index, shape) for name, shape in _CALIBRATION.items()
    )
    joints = world @ rotation.T + translation
    pixels, _ = cv2.projectPoints(
        joints.reshape(-1, 3), np.zeros(3), np.zeros(3), intrinsics, distortion
    )
    joints_2d = pixels.reshape(-1, 14, 2) / scale - offset
    return Labels(source, joints * _M_PER_MM, METRO_14, joints_2d, METRO_14)


def _of_camera(
    data: Arrays, file: Path | str, name: str, index: int, shape: tuple[int, ...]
) -> np.ndarray:
    """A camera's part of a calibration array."""
    array = field(data, file, name)
    where = f"{file}: {name}"
    check(array.shape[1:] == shape, where, f"expected (cameras, *{shape}), found {array.shape}")
    check(bool(np.isfinite(array[index]).all()), where, "values that are not finite")
    return np.asarray(array[index])
