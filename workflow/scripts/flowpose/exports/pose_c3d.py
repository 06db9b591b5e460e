"""Poses as points in C3D, for the tools of movement laboratories: docs/exports.md."""

import warnings
from pathlib import Path

import c3d
import numpy as np

from flowpose.exports.exported_pose import ExportedPose, even_rate, y_up
from flowpose.pose.skeletons import METRO_14
from flowpose.storage.whole_files import replacing

_MM_PER_M = 1000


def write(path: Path | str, pose: ExportedPose) -> None:
    """Write pose.c3d: the pose after the method, mm, y up.

    Raises:
        InputError: the video does not say when its frames are shown.
    """
    writer = c3d.Writer(point_rate=even_rate(pose.header, path), point_units="mm")
    writer.set_point_labels(METRO_14.joints)
    writer.set_screen_axis("+X", "+Y")
    points = _MM_PER_M * y_up(pose.after.joints_3d)
    # Each with a residual of 0 and no cameras; no analog data.
    rows = np.pad(points, ((0, 0), (0, 0), (0, 2))).astype(np.float32)
    writer.add_frames([(row, np.empty((0, 0))) for row in rows])
    with (
        replacing(path) as temporary,
        temporary.open("wb") as stream,
        # Of analog data, which there are not.
        warnings.catch_warnings(action="ignore", category=UserWarning),
    ):
        writer.write(stream)
