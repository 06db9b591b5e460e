"""Decoding videos."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from flowpose.errors import InputError, check

# Container headers may count a frame or two that no decoder returns.
_HEADER_SLACK = 2


@dataclass(frozen=True)
class VideoInfo:
    """What a video's header says: its size (width, height) in px, frames a second and frames."""

    size: tuple[int, int]
    fps: float
    n_frames: int


def probe(path: Path | str) -> VideoInfo:
    """Read a video's header.

    Raises:
        InputError: the file is missing, is no video, or has no frames.
    """
    capture = _open(path)
    width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
    height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    info = VideoInfo(
        (width, height), capture.get(cv2.CAP_PROP_FPS), int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    )
    capture.release()
    check(info.n_frames > 0 and min(info.size) > 0, path, f"a video of no frames ({info.n_frames})")
    return info


def used_frames(n_frames: int, first: int, step: int, count: int | None) -> range:
    """Indices of the frames used of a video: every `step`-th from `first`, at most `count`."""
    frames = range(first, n_frames, step)
    return frames if count is None else frames[:count]


def read_frames(
    path: Path | str, frames: range, n_frames: int
) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Decode frames of a video, RGB.

    Decoding goes on to the end of the video, so that a truncated one is noticed.

    Args:
        frames: indices to return, ascending.
        n_frames: how many frames the video must have.

    Raises:
        InputError: fewer frames can be decoded.
    """
    capture = _open(path)
    decoded = 0
    try:
        while capture.grab():
            if decoded in frames:
                ok, picture = capture.retrieve()
                check(ok, path, f"frame {decoded} cannot be decoded", "the video is damaged")
                yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
            decoded += 1
    finally:
        capture.release()
    complete = decoded >= n_frames - _HEADER_SLACK and (not frames or frames[-1] < decoded)
    check(
        complete,
        path,
        f"expected {n_frames} frames, only {decoded} can be decoded",
        "the video is truncated or damaged: copy or download it again",
    )


def jpeg_round_trip(frame: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W 3"]:
    """The frame as a JPEG of quality 75 gives it back, which is what the reference's RAFT sees."""
    stream = io.BytesIO()
    Image.fromarray(frame).save(stream, "JPEG", quality=75)
    return np.asarray(Image.open(stream))


def _open(path: Path | str) -> cv2.VideoCapture:
    check(Path(path).is_file(), path, "no such video")
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise InputError(
            f"{path}: no video that can be opened (truncated, or of an unknown format)"
        )
    return capture
