"""Poses as markers in OpenSim's TRC: docs/exports.md."""

from pathlib import Path

import numpy as np

from flowpose.exports.exported_pose import ExportedPose, even_rate, y_up
from flowpose.pose.skeletons import METRO_14
from flowpose.storage.whole_files import replacing

_HEAD = (
    *("DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units"),
    *("OrigDataRate", "OrigDataStartFrame", "OrigNumFrames"),
)


def write(path: Path | str, pose: ExportedPose) -> None:
    """Write pose.trc: the pose after the method, m, y up.

    Raises:
        InputError: the video does not say when its frames are shown.
    """
    rate = f"{even_rate(pose.header, path):.6f}"
    joints = y_up(pose.after.joints_3d)
    n_frames, n_joints = joints.shape[:2]
    numbers = [f"{axis}{j}" for j in range(1, n_joints + 1) for axis in "XYZ"]
    rows = np.column_stack([pose.header.time, joints.reshape(n_frames, -1)])
    lines = [
        ["PathFileType", "4", "(X/Y/Z)", Path(path).name],
        _HEAD,
        [rate, rate, str(n_frames), str(n_joints), "m", rate, "1", str(n_frames)],
        ["Frame#", "Time", *(f"{joint}\t\t" for joint in METRO_14.joints)],
        ["", "", *numbers],
        [],
        *([str(t), *(f"{value:.6f}" for value in row)] for t, row in enumerate(rows, 1)),
    ]
    with replacing(path) as temporary:
        temporary.write_text("".join("\t".join(line) + "\n" for line in lines))
