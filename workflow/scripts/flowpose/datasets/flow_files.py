"""Folders of files of true optical flow, one a pair of frames, and of masks of the person."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float

from flowpose.errors import InputError, check
from flowpose.video.frames_file import FramesHeader

# How a file of Middlebury's format begins, and the flow beyond which it is not known.
_FLO_MAGIC, _FLO_UNKNOWN = b"PIEH", 1e9
# In KITTI's format, px = (value - 2^15) / 64.
_KITTI_ZERO, _KITTI_UNIT = 2**15, 1 / 64


@dataclass(frozen=True)
class FlowFiles:
    """The files of a video's true flow, in the order of their names.

    Attributes:
        folder: of the flows.
        flows: a file a pair of frames.
        persons: a mask a frame; None: not known.
    """

    folder: Path
    flows: Sequence[Path]
    persons: Sequence[Path] | None

    def of_pairs(
        self, header: FramesHeader
    ) -> Iterator[tuple[Float[np.ndarray, "H W 2"], Bool[np.ndarray, "H W"] | None]]:
        """The motion of each pair of frames that are used, px of the frames, and where a person is.

        Flow is NaN where it is not known. Crop and scale are those of the frames; a pixel has the
        motion of the video's pixel in which its centre lies.

        Raises:
            InputError: there are other numbers of files than of frames, or one is damaged or of
                another size than the video.
        """
        flows = self._flows_of(header)
        persons = [None] * len(flows) if self.persons is None else self._persons_of(header)
        for flow, person in zip(flows, persons, strict=True):
            motion = _read_flow(flow)
            _check_size(flow, motion, header)
            mask = None
            if person is not None:
                mask = _read_mask(person)
                _check_size(person, mask, header)
                mask = header.view.nearest(mask)
            yield header.view.nearest(motion) * np.array(header.view.scale, np.float32), mask

    def _flows_of(self, header: FramesHeader) -> Sequence[Path]:
        """The flow of each pair: there are as many files, or, if every frame is used, of all."""
        n, n_video = len(header.index) - 1, header.video.n_frames
        if len(self.flows) == n:
            return self.flows
        every = bool((np.diff(header.index) == 1).all())
        check(
            every and len(self.flows) == n_video - 1,
            self.folder,
            f"{len(self.flows)} files of flow for {n} pairs of frames that are used",
            f"give one a pair, from each frame used to the next one used, or {n_video - 1} of all "
            "frames of the video and frames.step: 1",
        )
        return [self.flows[frame] for frame in header.index[:-1].tolist()]

    def _persons_of(self, header: FramesHeader) -> Sequence[Path]:
        """The mask of the first frame of each pair: there is one a used frame, or of all frames."""
        persons, n, n_video = self.persons or (), len(header.index), header.video.n_frames
        if len(persons) == n:
            return persons[:-1]
        check(
            len(persons) == n_video,
            persons[0].parent,
            f"{len(persons)} masks for {n} frames that are used",
            f"give one of each of these, or one of each of the video's {n_video} frames",
        )
        return [persons[frame] for frame in header.index[:-1].tolist()]


def read_true_flow(folder: Path | str, persons: Path | str | None = None) -> FlowFiles:
    """The files of two folders.

    Args:
        folder: `.flo` as of Middlebury and MPI-Sintel, or `.png` of 16 bits as of KITTI.
        persons: pictures of the size of the video that are not black where the person is.

    Raises:
        InputError: a folder has no such files, or flows of both formats.
    """
    flows = _files(folder, ("*.flo", "*.png"), "flow (.flo or .png)")
    formats = {path.suffix for path in flows}
    check(len(formats) == 1, folder, "flows both as .flo and as .png", "keep those of one format")
    masks = None if persons is None else _files(persons, ("*.png",), "masks (.png)")
    return FlowFiles(Path(folder), flows, masks)


def _files(folder: Path | str, patterns: Sequence[str], what: str) -> list[Path]:
    found = sorted(path for pattern in patterns for path in Path(folder).glob(pattern))
    check(bool(found), folder, f"no files of {what} in this folder")
    return found


def _read_flow(path: Path) -> Float[np.ndarray, "h w 2"]:
    """A file of flow, px; NaN where it is not known."""
    flow, known = _read_flo(path) if path.suffix == ".flo" else _read_kitti(path)
    return np.where(known[..., None], flow, np.float32(np.nan))


def _read_flo(path: Path) -> tuple[Float[np.ndarray, "h w 2"], Bool[np.ndarray, "h w"]]:
    """A flow in Middlebury's format, and where it is known.

    Not by OpenCV, which believes the size that a damaged file claims.
    """
    content = path.read_bytes()
    magic, width, height = struct.unpack("<4sii", content[:12].ljust(12, b"\0"))
    check(
        magic == _FLO_MAGIC and min(width, height) > 0 and len(content) == 12 + 8 * width * height,
        path,
        "no flow in Middlebury's format, or not all of it",
    )
    flow = np.frombuffer(content, "<f4", offset=12).reshape(height, width, 2)
    return flow, (np.abs(flow) < _FLO_UNKNOWN).all(-1)


def _read_kitti(path: Path) -> tuple[Float[np.ndarray, "h w 2"], Bool[np.ndarray, "h w"]]:
    """A flow in KITTI's format, and where it is known."""
    stored = _read_picture(path, cv2.IMREAD_UNCHANGED)
    check(
        stored.dtype == np.uint16 and stored.shape[2:] == (3,),
        path,
        "no flow in KITTI's format, a PNG of three channels of 16 bits",
    )
    # OpenCV's order is blue, green, red; KITTI's x, y, known.
    known, y, x = np.moveaxis(stored.astype(np.float32), -1, 0)
    return (np.stack([x, y], -1) - _KITTI_ZERO) * np.float32(_KITTI_UNIT), known > 0


def _read_mask(path: Path) -> Bool[np.ndarray, "h w"]:
    return np.greater(_read_picture(path, cv2.IMREAD_GRAYSCALE), 0)


def _read_picture(path: Path, flags: int) -> np.ndarray:
    picture = cv2.imread(str(path), flags)
    if picture is None:
        raise InputError(f"{path}: no picture that can be read")
    return picture


def _check_size(path: Path, field: np.ndarray, header: FramesHeader) -> None:
    height, width = field.shape[:2]
    check(
        (width, height) == header.video.size,
        path,
        f"of {width} x {height} px, the video has {header.video.size[0]} x {header.video.size[1]}",
        "give files of the video's own size; crop and frames.width apply to them, too",
    )
