"""Which frames of a pose its refinement has repaired, or left out of account."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool

from flowpose.storage import stage_files

# What is counted, by the name that it has in pose_k.h5.
MARKS = {
    "repaired": "frames whose detections or pose were repaired before they were used",
    "masked": "frames in which a detection was left out of account",
}


def read_marks(path: Path | str, n_frames: int) -> dict[str, Bool[np.ndarray, "T"]]:
    """Which frames have each mark, as pose_k.h5 says; none, where it says nothing of it.

    A mark of single joints, (T, 14), is one of its frame.
    """
    with stage_files.opened(path) as h5:
        return {
            mark: np.any(stage_files.read(h5, mark).reshape(n_frames, -1), axis=1)
            if mark in h5
            else np.zeros(n_frames, bool)
            for mark in MARKS
        }
