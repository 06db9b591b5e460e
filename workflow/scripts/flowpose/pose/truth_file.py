"""Where the joints of a sequence were, and the file of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from flowpose.pose.skeletons import METRO_14
from flowpose.storage import stage_files
from flowpose.storage.provenance import Provenance


@dataclass(frozen=True)
class Truth:
    """Where the joints were; NaN where that is not known.

    Attributes:
        joints_3d: (T, 14, 3) METRO_14 joints, m, camera frame.
        joints_2d: (T, K, 2) joints of any skeleton, px of the frames.
        names_2d: of those K joints.
        time: when each frame is shown, s after the first of the video.
    """

    joints_3d: Float[np.ndarray, "T 14 3"]
    joints_2d: Float[np.ndarray, "T K 2"]
    names_2d: tuple[str, ...]
    time: Float[np.ndarray, "T"]

    def metro_joints_2d(self) -> Float[np.ndarray, "T 14 2"]:
        """The 2D joints that METRO_14 also has, px; NaN for its others."""
        joints = np.full((len(self.joints_2d), len(METRO_14), 2), np.nan)
        for joint, name in enumerate(METRO_14.joints):
            if name in self.names_2d:
                joints[:, joint] = self.joints_2d[:, self.names_2d.index(name)]
        return joints


def write_truth(path: Path | str, truth: Truth, provenance: Provenance) -> None:
    """Write truth.h5, with masks of what is known."""
    with stage_files.create(path, provenance) as h5:
        for name, axis, unit, joints in (
            ("joints_3d", "xyz", "m", METRO_14.joints),
            ("joints_2d", "xy", "px", truth.names_2d),
        ):
            points = getattr(truth, name)
            valid = np.isfinite(points).all(-1)
            stage_files.add(h5, name, points, axes=f"frame joint {axis}", unit=unit, joints=joints)
            stage_files.add(h5, f"valid_{name}", valid, axes="frame joint", joints=joints)
        stage_files.add(h5, "time", truth.time, axes="frame", unit="s")


def read_truth(path: Path | str) -> Truth:
    """Read truth.h5."""
    with stage_files.opened(path) as h5:
        joints_3d = stage_files.read(h5, "joints_3d", (None, 14, 3))
        joints_2d = stage_files.read(h5, "joints_2d", (len(joints_3d), None, 2))
        names = stage_files.joint_names(h5, "joints_2d")
        return Truth(joints_3d, joints_2d, names, stage_files.read(h5, "time", (len(joints_3d),)))
