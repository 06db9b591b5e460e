"""Joints triangulated from several calibrated cameras, seen from one of them."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float

from flowpose.errors import check
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.truth_file import Truth
from flowpose.storage.plain_npz import Arrays, camera_index, field, read_npz
from flowpose.video.frames_file import FramesHeader

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


@dataclass(frozen=True)
class CameraJoints:
    """METRO_14 joints: (F, 14, 3) in m in the camera's frame, and (F, 14, 2) in video px."""

    joints_3d: Float[np.ndarray, "F 14 3"]
    joints_2d: Float[np.ndarray, "F 14 2"]


def read_multiview(path: Path | str, camera: str) -> CameraJoints:
    """World joints brought into one camera and projected to its video.

    Args:
        path: npz with `cameras` (C), `joints_world_mm` (F, 14, 3), `R` (C, 3, 3) and `t_mm`
            (C, 3) with x_camera = R x_world + t, `K` (C, 3, 3), `distortion` (C, 4; OpenCV's k1 k2
            p1 p2), and per camera the map (video px + `video_to_calibration_offset_px`) *
            `video_to_calibration_scale` to the px of the calibration.

    Raises:
        InputError: a file, array or camera is missing, or the joints are not METRO's 14.
    """
    data = read_npz(path)
    index = camera_index(data, path, camera)
    world = field(data, path, "joints_world_mm").astype(np.float64)
    check(
        world.shape[1:] == (14, 3),
        f"{path}: joints_world_mm",
        f"expected (frames, 14, 3) for METRO's joints, found {world.shape}",
    )
    check(bool(np.isfinite(world).any()), f"{path}: joints_world_mm", "no joint is known")
    rotation, translation, intrinsics, distortion, scale, offset = (
        _of_camera(data, path, name, index, shape) for name, shape in _CALIBRATION.items()
    )
    joints = world @ rotation.T + translation
    pixels, _ = cv2.projectPoints(
        joints.reshape(-1, 3), np.zeros(3), np.zeros(3), intrinsics, distortion
    )
    return CameraJoints(joints * _M_PER_MM, pixels.reshape(-1, 14, 2) / scale - offset)


def _of_camera(
    data: Arrays, path: Path | str, name: str, index: int, shape: tuple[int, ...]
) -> np.ndarray:
    """A camera's part of a calibration array."""
    array = field(data, path, name)
    where = f"{path}: {name}"
    check(array.shape[1:] == shape, where, f"expected (cameras, *{shape}), found {array.shape}")
    check(bool(np.isfinite(array[index]).all()), where, "values that are not finite")
    return array[index]


def truth(joints: CameraJoints, header: FramesHeader, path: Path | str) -> Truth:
    """The joints in the frames that are used.

    Raises:
        InputError: there are joints of too few frames.
    """
    last = int(header.index[-1])
    check(
        len(joints.joints_3d) > last,
        f"{path}: joints_world_mm",
        f"joints of {len(joints.joints_3d)} frames, frame {last} of the video is used",
        "are they of another video?",
    )
    return Truth(
        joints.joints_3d[header.index],
        header.view.to_frame(joints.joints_2d[header.index]),
        METRO_14.joints,
    )
