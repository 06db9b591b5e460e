"""Detections of DCPose, the 2D detector of the paper (docs/reference.md, 3)."""

import json
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Float, Int

from flowpose.errors import InputError, check
from flowpose.pose.keypoint_file import Keypoints
from flowpose.pose.skeletons import DCPOSE_17, METRO_14, convert, convert_confidence

# Detections in fewer than this part of the frames, or most of them farther from the estimated pose
# than this part of its size, are of another sequence.
_LEAST_PART = 0.5
_FARTHEST = 0.2


def read_dcpose(path: Path | str, near: Float[np.ndarray, "T 14 2"]) -> Keypoints:
    """The detections of one person in the frames that are used; video px.

    The file has an entry a detected person, not a frame (docs/reference.md, B5): an entry is of the
    frame whose number its `image_path` ends in. Of several people in a frame, the one nearest to
    the estimated pose is taken; a frame without any has confidence 0. So has a joint at exactly
    (0, 0), which was not detected; the detector's scores are not used.

    Args:
        path: JSON {"Info": [{"image_path": ".../00000012.jpg", "keypoints": 17 x [x, y, score]}]}.
        near: where the estimated pose projects to, video px.

    Raises:
        InputError: the file is no such JSON, or is of another sequence.
    """
    frames, points = _detections(path)
    n = len(near)
    if len(frames) and frames.min() == 1 and frames.max() == n:
        frames = frames - 1
    pixels = np.zeros((n, len(DCPOSE_17), 2))
    distances = np.full(n, np.inf)
    for frame, person in zip(frames, points, strict=True):
        if frame < n and (distance := _distance(person, near[frame])) < distances[frame]:
            pixels[frame], distances[frame] = person, distance
    _check_sequence(path, distances, near)
    detected = (pixels != 0).any(-1).astype(np.float64)
    return Keypoints(
        convert(pixels, DCPOSE_17, METRO_14), convert_confidence(detected, DCPOSE_17, METRO_14)
    )


def _detections(path: Path | str) -> tuple[Int[np.ndarray, "n"], Float[np.ndarray, "n 17 2"]]:
    """Frame number and keypoints of every entry."""
    check(Path(path).is_file(), path, "no such file")
    try:
        entries = json.loads(Path(path).read_text())["Info"]
        frames = [int(PurePosixPath(entry["image_path"]).stem) for entry in entries]
        points = np.array([entry["keypoints"] for entry in entries], np.float64)
        points = points.reshape(len(frames), len(DCPOSE_17), 3)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no result file of DCPose: {error!r}") from error
    check(bool(np.isfinite(points).all()), path, "keypoints that are not finite")
    return np.array(frames), points[..., :2]


def _distance(person: Float[np.ndarray, "17 2"], near: Float[np.ndarray, "14 2"]) -> float:
    """Mean distance of detected joints from an estimated pose, px; infinite if there are none."""
    detected = (person != 0).any(-1).astype(np.float64)
    joints = convert(person[None], DCPOSE_17, METRO_14)[0]
    known = convert_confidence(detected[None], DCPOSE_17, METRO_14)[0] > 0
    if not known.any():
        return np.inf
    return float(np.linalg.norm(joints[known] - near[known], axis=-1).mean())


def _check_sequence(
    path: Path | str, distances: Float[np.ndarray, "T"], near: Float[np.ndarray, "T 14 2"]
) -> None:
    """Refuse detections of other frames or of somebody elsewhere."""
    found = np.isfinite(distances)
    question = "are they of another sequence?"
    check(
        found.mean() >= _LEAST_PART,
        path,
        f"detections in {found.sum()} of the {len(near)} frames that are used",
        question,
    )
    size = np.linalg.norm(np.ptp(near[found], axis=1), axis=-1)
    typical = float(np.median(distances[found] / size))
    check(
        typical < _FARTHEST,
        path,
        f"detections lie {typical:.1f} of the person's size from where the estimated pose is",
        question,
    )
