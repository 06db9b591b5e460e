"""Poses as a table of a row a frame and joint: docs/exports.md."""

from pathlib import Path

import numpy as np
import pandas as pd

from flowpose.exports.exported_pose import ExportedPose
from flowpose.pose.skeletons import METRO_14
from flowpose.storage.whole_files import replacing

# Rounded to 1e-6 m, px and s.
_FORMAT = "%.6f"


def write(path: Path | str, pose: ExportedPose) -> None:
    """Write pose.csv; units and axes are those of `PlacedPose`, and in the columns' names."""
    n_frames, n_joints = len(pose.header.index), len(METRO_14)
    columns: dict[str, np.ndarray] = {
        "frame": np.repeat(pose.header.index, n_joints),
        "time_s": np.repeat(pose.header.time, n_joints),
        "joint": np.tile(METRO_14.joints, n_frames),
        "estimated": np.repeat(pose.estimated.astype(int), n_joints),
    }
    for when, placed in (("before", pose.before), ("after", pose.after)):
        for i, axis in enumerate("xyz"):
            columns[f"{axis}_{when}_m"] = placed.joints_3d[..., i].ravel()
        for i, axis in enumerate("xy"):
            columns[f"{axis}_{when}_px"] = placed.joints_2d[..., i].ravel()
    with replacing(path) as temporary:
        pd.DataFrame(columns).to_csv(temporary, index=False, float_format=_FORMAT)
