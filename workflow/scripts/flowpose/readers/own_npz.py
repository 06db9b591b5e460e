"""Estimates of one's own: an npz of plain arrays, of one person in all frames of the video."""

from pathlib import Path

import numpy as np

from flowpose.errors import check
from flowpose.pose.estimates import Detections, Joints
from flowpose.pose.landmarks_file import Landmarks
from flowpose.pose.skeletons import METRO_14, Skeleton, sources
from flowpose.storage.plain_npz import Arrays, field, names, read_npz


def read_detections(file: Path | str) -> Detections:
    """The joints in the picture; NaN where nothing was seen.

    Args:
        file: npz with arrays `joints` (J) of names, `joints_2d` (F, J, 2) px of the video, and if
            it is known `confidence` (F, J) 0 to 1, otherwise 1 where something was seen.

    Raises:
        InputError: a file or array is missing, a shape does not fit the others, or there is no
            joint of METRO_14 among the names.
    """
    data = read_npz(file)
    points = np.full((*_joints_2d(data, file).shape[:2], 3), np.nan)
    return _landmarks(data, file, points).detections(f"{file}: joints_2d")


def read_joints(file: Path | str) -> Joints:
    """The joints in space and in the picture, in the frames that have them; there is no camera.

    Args:
        file: as `read_detections`, with `joints_3d` (F, J, 3) m, x right, y down, z forward, from
            any origin; all NaN where nobody was found.

    Raises:
        InputError: as `read_detections`.
    """
    data = read_npz(file)
    points = _of_shape(data, file, "joints_3d", (*_joints_2d(data, file).shape[:2], 3))
    return _landmarks(data, file, points).joints(f"{file}: joints_3d")


def _landmarks(data: Arrays, file: Path | str, joints_3d: np.ndarray) -> Landmarks:
    joints_2d = _joints_2d(data, file)
    seen = np.isfinite(joints_2d).all(-1)
    confidence = seen.astype(np.float64)
    if "confidence" in data:
        confidence = _of_shape(data, file, "confidence", seen.shape)
        known = confidence[seen]
        check(
            bool(((known >= 0) & (known <= 1)).all()),
            f"{file}: confidence",
            "numbers from 0 to 1 are needed where joints_2d are known",
        )
    return Landmarks(joints_2d, joints_3d, confidence, _skeleton(data, file), None)


def _skeleton(data: Arrays, file: Path | str) -> Skeleton:
    joints = names(data, file, "joints")
    check(len(set(joints)) == len(joints), f"{file}: joints", f"a name twice: {', '.join(joints)}")
    skeleton = Skeleton.with_middles("own", joints)
    check(
        any(sources(skeleton, METRO_14)),
        f"{file}: joints",
        f"none of {', '.join(METRO_14.joints)} is among {', '.join(joints)}",
    )
    return skeleton


def _joints_2d(data: Arrays, file: Path | str) -> np.ndarray:
    found = field(data, file, "joints_2d")
    n_frames = len(found) if found.ndim else 0
    return _of_shape(data, file, "joints_2d", (n_frames, field(data, file, "joints").size, 2))


def _of_shape(data: Arrays, file: Path | str, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """An array of numbers, whose shape is checked."""
    found = field(data, file, name)
    check(
        found.shape == shape and found.dtype.kind in "fiu",
        f"{file}: {name}",
        f"expected numbers of shape {shape}, found {found.dtype} of shape {found.shape}",
    )
    return found.astype(np.float64)
