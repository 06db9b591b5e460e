"""Poses as NumPy's npz: docs/exports.md."""

from pathlib import Path

import numpy as np

from flowpose.exports.exported_pose import ExportedPose
from flowpose.pose.skeletons import METRO_14
from flowpose.storage.whole_files import replacing

_FIELDS = ("joints_3d", "joints_2d", "px_per_m", "origin_px")


def write(path: Path | str, pose: ExportedPose) -> None:
    """Write pose.npz, of plain arrays; units and axes are those of `PlacedPose`."""
    header = pose.header
    arrays = {
        "joints": np.array(METRO_14.joints),
        "frame": header.index,
        "time_s": header.time,
        "fps": np.array(header.fps),
        "video_size_px": np.array(header.video.size),
        "estimated": pose.estimated,
    }
    for when, placed in (("before", pose.before), ("after", pose.after)):
        arrays |= {f"{name}_{when}": getattr(placed, name) for name in _FIELDS}
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
