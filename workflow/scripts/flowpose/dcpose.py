"""Detections of DCPose, the 2D detector of the paper (docs/reference.md, 3)."""

import json
from pathlib import Path

import numpy as np

from flowpose.errors import InputError, check
from flowpose.keypoints import Keypoints
from flowpose.skeletons import DCPOSE_17, METRO_14, convert, convert_confidence


def read_dcpose(path: Path | str, n_frames: int) -> Keypoints:
    """The detection of each frame: the file's n-th entry for frame n (docs/reference.md, B5).

    A joint at exactly (0, 0) was not detected; the detector's scores are not used.

    Args:
        path: JSON {"Info": [{"keypoints": 17 x [x, y, score]}, ...]}.

    Raises:
        InputError: the file is no such JSON or has fewer entries than frames.
    """
    check(Path(path).is_file(), path, "no such file")
    try:
        entries = json.loads(Path(path).read_text())["Info"]
        points = np.array([entry["keypoints"] for entry in entries[:n_frames]], np.float64)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no result file of DCPose: {error!r}") from error
    check(
        points.shape == (n_frames, len(DCPOSE_17), 3),
        path,
        f"expected {n_frames} entries of {len(DCPOSE_17)} keypoints, found {points.shape}",
    )
    pixels = points[..., :2]
    detected = (pixels != 0).any(-1).astype(np.float64)
    return Keypoints(
        convert(pixels, DCPOSE_17, METRO_14), convert_confidence(detected, DCPOSE_17, METRO_14)
    )
