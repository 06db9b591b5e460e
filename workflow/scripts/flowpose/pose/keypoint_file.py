"""2D detections of a sequence, and their file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from flowpose.pose.skeletons import METRO_14
from flowpose.storage import stage_files
from flowpose.storage.provenance import Provenance


@dataclass(frozen=True)
class Keypoints:
    """METRO_14 joints detected in the picture.

    Attributes:
        joints_2d: (T, 14, 2) px of the frames; NaN where the detector has no such joint.
        confidence: (T, 14) 0 to 1; 0 where nothing was detected.
    """

    joints_2d: Float[np.ndarray, "T 14 2"]
    confidence: Float[np.ndarray, "T 14"]

    def weights(self, min_confidence: float) -> Float[np.ndarray, "T 14"]:
        """1 for joints detected with at least this confidence, which must be above 0; else 0."""
        sure = (self.confidence >= min_confidence) & (self.confidence > 0)
        return (sure & np.isfinite(self.joints_2d).all(-1)).astype(np.float64)


def write_keypoints(path: Path | str, keypoints: Keypoints, provenance: Provenance) -> None:
    """Write keypoints.h5."""
    joints = METRO_14.joints
    with stage_files.create(path, provenance) as h5:
        stage_files.add(
            h5, "joints_2d", keypoints.joints_2d, axes="frame joint xy", unit="px", joints=joints
        )
        stage_files.add(h5, "confidence", keypoints.confidence, axes="frame joint", joints=joints)


def read_keypoints(path: Path | str) -> Keypoints:
    """Read keypoints.h5."""
    with stage_files.opened(path) as h5:
        joints_2d = stage_files.read(h5, "joints_2d", (None, 14, 2))
        return Keypoints(joints_2d, stage_files.read(h5, "confidence", joints_2d.shape[:2]))
