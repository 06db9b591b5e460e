"""Landmarks that the workflow has estimated itself: `landmarks.h5`."""

from pathlib import Path

from flowpose.pose.estimates import Detections, Joints
from flowpose.pose.landmarks_file import read_landmarks


def read_detections(file: Path | str) -> Detections:
    """The landmarks in the picture; confidence 0 where nobody was found.

    Raises:
        InputError: the file is missing, damaged or of another form.
    """
    return read_landmarks(file).detections(f"{file}: joints_2d")


def read_joints(file: Path | str) -> Joints:
    """The landmarks in space, in the frames in which somebody was found; there is no camera.

    Raises:
        InputError: as `read_detections`.
    """
    return read_landmarks(file).joints(f"{file}: joints_3d")
