"""The frames of a sequence as small JPEGs, which are there when frames.h5 is gone."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from flowpose.storage import stage_files
from flowpose.storage.provenance import Provenance
from flowpose.video.frames_file import FrameReader, open_frames

# The longer side that frames may have, px: the first with which all of them take no more than so
# many bytes, as far as some of them tell; else the last.
_SIDES = (640, 480, 400, 320, 240, 200, 160)
_MAX_BYTES = 20_000_000
_TRIED = 8
_QUALITY = 70


@dataclass(frozen=True)
class SmallFrames:
    """All frames of a sequence, small.

    Attributes:
        size: width and height that the frames had, px.
        jpegs: a file a frame.
    """

    size: tuple[int, int]
    jpegs: Sequence[bytes]


def encoded(frame: UInt8[np.ndarray, "H W 3"], side: int) -> bytes:
    """A frame as JPEG, whose longer side has at most so many px."""
    height, width = frame.shape[:2]
    factor = side / max(height, width)
    if factor < 1:
        size = max(1, round(width * factor)), max(1, round(height * factor))
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    return jpeg.tobytes()


def fitting_side(frames: FrameReader | Sequence[np.ndarray], max_bytes: int = _MAX_BYTES) -> int:
    """The longer side, px, with which the JPEGs of all frames take no more than so many bytes.

    The least there is, if they take more with that as well.
    """
    evenly = np.linspace(0, len(frames) - 1, _TRIED).astype(int).tolist()
    tried = [frames[t] for t in evenly]
    for side in _SIDES:
        mean = sum(len(encoded(frame, side)) for frame in tried) / len(tried)
        if mean * len(frames) <= max_bytes:
            break
    return side


def write_small_frames(
    path: Path | str,
    frames: Path | str,
    provenance: Provenance,
    progress: Callable[[Iterable], Iterable] = iter,
) -> None:
    """Write the frames of frames.h5 as JPEGs of some 20 MB at most, or of 160 px."""
    with open_frames(frames) as source, stage_files.create(path, provenance) as h5:
        side = fitting_side(source)
        jpegs = [encoded(source[t], side) for t in progress(range(len(source)))]
        h5.attrs["size_px"] = source[0].shape[1::-1]
        joined = np.frombuffer(b"".join(jpegs), np.uint8)
        stage_files.add(h5, "jpegs", joined, axes="byte")
        stage_files.add(h5, "n_bytes", np.array([len(jpeg) for jpeg in jpegs]), axes="frame")


def read_small_frames(path: Path | str) -> SmallFrames:
    """Read what `write_small_frames` wrote.

    Raises:
        InputError: the file is damaged.
    """
    with stage_files.opened(path) as h5:
        joined = stage_files.read(h5, "jpegs", (None,)).tobytes()
        ends = np.cumsum(stage_files.read(h5, "n_bytes", (None,))).tolist()
        width, height = (int(side) for side in h5.attrs["size_px"])
    starts = [0, *ends[:-1]]
    return SmallFrames((width, height), [joined[a:b] for a, b in zip(starts, ends, strict=True)])
