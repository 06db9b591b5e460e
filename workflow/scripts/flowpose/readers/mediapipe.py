"""MediaPipe Pose, as the demo ships it: landmarks of several cameras in one npz."""

from pathlib import Path

import numpy as np

from flowpose.errors import check
from flowpose.pose.estimates import Detections, Joints
from flowpose.pose.landmarks_file import Landmarks
from flowpose.pose.skeletons import Skeleton
from flowpose.storage.plain_npz import Arrays, camera_index, field, read_npz

MEDIAPIPE_33 = Skeleton.of(
    "mediapipe_33",
    "nose l_eye_inner l_eye l_eye_outer r_eye_inner r_eye r_eye_outer l_ear r_ear mouth_l mouth_r "
    "l_shoulder r_shoulder l_elbow r_elbow l_wrist r_wrist l_pinky r_pinky l_index r_index "
    "l_thumb r_thumb l_hip r_hip l_knee r_knee l_ankle r_ankle l_heel r_heel l_foot_index "
    "r_foot_index",
    neck=("l_shoulder", "r_shoulder"),
    head=("l_ear", "r_ear"),
)


def read_detections(file: Path | str, camera: str) -> Detections:
    """The landmarks in the picture, for one camera of a recording; NaN where nobody was found.

    Args:
        file: npz with arrays `cameras` (C), `image_size_px` (C, 2), `image_px` (C, F, 33, 2),
            `world_m` (C, F, 33, 3) and `visibility` (C, F, 33).

    Raises:
        InputError: a file, array or camera is missing, or a shape is not that of MediaPipe's
            joints.
    """
    return _read(file, camera).detections(f"{file}: image_px")


def read_joints(file: Path | str, camera: str) -> Joints:
    """The landmarks in space, relative to the hips, and in the picture; there is no camera.

    Frames with NaN, in which nobody was found, are left out.

    Args:
        file: as `read_detections`.

    Raises:
        InputError: as `read_detections`.
    """
    return _read(file, camera).joints(f"{file}: world_m")


def _read(file: Path | str, camera: str) -> Landmarks:
    data = read_npz(file)
    pixels = _landmarks(data, file, camera, "image_px", 2)
    world = _landmarks(data, file, camera, "world_m", 3)
    visibility = _landmarks(data, file, camera, "visibility")
    lengths = [len(array) for array in (pixels, world, visibility)]
    check(len(set(lengths)) == 1, file, f"image_px, world_m, visibility have {lengths} frames")
    return Landmarks(pixels, world, visibility, MEDIAPIPE_33, _image_size(data, file, camera))


def _landmarks(
    data: Arrays, file: Path | str, camera: str, name: str, *dimensions: int
) -> np.ndarray:
    """A camera's part of an array of landmarks, (F, 33) or (F, 33, dimensions)."""
    index = camera_index(data, file, camera)
    array, n = field(data, file, name), len(MEDIAPIPE_33)
    tail = (n, *dimensions)
    check(
        array.shape[2:] == tail and len(array) == len(data["cameras"]),
        f"{file}: {name}",
        f"expected (cameras, frames, {', '.join(map(str, tail))}) for the {n} joints of "
        f"MediaPipe, found {array.shape}",
    )
    return array[index]


def _image_size(data: Arrays, file: Path | str, camera: str) -> tuple[int, int]:
    sizes = field(data, file, "image_size_px")
    check(
        sizes.shape == (len(data["cameras"]), 2),
        f"{file}: image_size_px",
        f"expected (cameras, 2), found {sizes.shape}",
    )
    width, height = sizes[camera_index(data, file, camera)]
    return int(width), int(height)
