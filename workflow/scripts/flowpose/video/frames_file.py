"""The frames of a video that a sequence uses, cropped and scaled, and their file."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import h5py
import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8

from flowpose.errors import check
from flowpose.storage import stage_files
from flowpose.storage.provenance import Provenance
from flowpose.storage.whole_files import damage_named
from flowpose.video.decoding import VideoInfo, frame_times, jpeg_round_trip, open_video
from flowpose.video.selection import frames_by_time, used_frames

# x, y, width, height, video px.
Box = tuple[int, int, int, int]
# What finds it, by the indices of the frames used, the times of all, and the video's size.
CropFinder = Callable[[range, Float[np.ndarray, "F"], tuple[int, int]], Box]
# Two frames make a flow, three an acceleration.
_MIN_FRAMES = 3
# RAFT sees nothing in less than two of its cells.
_MIN_SIDE = 16


@dataclass(frozen=True)
class View:
    """The part of a video's picture that is used, and the size it is used at.

    Attributes:
        crop: x, y, width, height of the part, video px.
        scale: frame px per video px, in x and y.
    """

    crop: Box
    scale: tuple[float, float] = (1.0, 1.0)

    @classmethod
    def of(
        cls,
        video_size: tuple[int, int],
        crop: Box | None,
        width: int | None,
        max_side: int | None = None,
    ) -> "View":
        """The view of a video of a size (width, height) cropped, then scaled to a width.

        Without a width, what is larger than `max_side` is scaled so that its longer side is that.
        Sides are rounded to whole px, so the two scales may differ a little.
        """
        crop = crop or (0, 0, *video_size)
        old, new = (max(crop[2:]), max_side) if width is None else (crop[2], width)
        if new is None or (width is None and old <= new):
            return cls(crop)
        sides = [round(side * new / old) for side in crop[2:]]
        return cls(crop, (sides[0] / crop[2], sides[1] / crop[3]))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a frame, px."""
        return round(self.crop[2] * self.scale[0]), round(self.crop[3] * self.scale[1])

    def to_frame(self, points: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Video px as frame px; in both, pixel centres are at whole numbers."""
        return (points - np.array(self.crop[:2]) + 0.5) * np.array(self.scale) - 0.5

    def to_video(self, points: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Frame px as video px, the inverse of `to_frame`."""
        return (points + 0.5) / np.array(self.scale) - 0.5 + np.array(self.crop[:2])

    def cut(self, picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "H W 3"]:
        """The view of a decoded picture."""
        x, y, width, height = self.crop
        part = picture[y : y + height, x : x + width]
        if self.size == (width, height):
            return part
        shrinks = self.scale[0] < 1
        return cv2.resize(
            part, self.size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        )

    def nearest(self, field: Shaped[np.ndarray, "h w *c"]) -> Shaped[np.ndarray, "H W *c"]:
        """The values of a field of the video's px in which the centres of frame px lie.

        For what may not be mixed, as motions on both sides of a border.
        """
        (x, y, _, _), (width, height) = self.crop, self.size
        columns = x + np.floor((np.arange(width) + 0.5) / self.scale[0]).astype(int)
        rows = y + np.floor((np.arange(height) + 0.5) / self.scale[1]).astype(int)
        return field[rows[:, None], columns]


@dataclass(frozen=True)
class FramesHeader:
    """What frames.h5 says of the frames besides the frames.

    Attributes:
        index: of each frame in the video.
        time: when each frame is shown, s after the first of the video.
        video: what the video has.
        view: how video px become frame px.
    """

    index: Int[np.ndarray, "T"]
    time: Float[np.ndarray, "T"]
    video: VideoInfo
    view: View

    @property
    def fps(self) -> float:
        """Frames a second of those that are used, on average; 0: not known."""
        span = float(self.time[-1] - self.time[0])
        return (len(self.time) - 1) / span if span else 0.0


class FrameReader:
    """The frames of an open frames.h5, decompressed one at a time."""

    def __init__(self, h5: h5py.File) -> None:
        self._frames = h5["frames"]

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, t: int) -> UInt8[np.ndarray, "H W 3"]:
        with damage_named(self._frames.file.filename):
            return self._frames[t]


def extract_frames(
    path: Path | str,
    video: Path | str,
    provenance: Provenance,
    *,
    first: int,
    step: int | None,
    count: int | None,
    rate: float | None = None,
    start: float | None = None,
    end: float | None = None,
    crop: Box | CropFinder | None,
    width: int | None,
    max_side: int | None = None,
    fps: float | None = None,
    jpeg: bool,
    progress: Callable[[Iterable], Iterable] = iter,
) -> None:
    """Decode, crop and scale the frames that are used, and write frames.h5.

    Args:
        video: a file, or a folder of pictures.
        first: index of the first frame used, of those from `start` on.
        step: the video frames from one used frame to the next; None: as `rate` says.
        count: use at most so many; None: to the end of the video.
        rate: use about so many frames a second (`selection.frames_by_time`).
        start: use frames that are shown from then on, s after the first; None: from the first.
        end: use frames that are shown before then, s after the first; None: to the last.
        crop: x, y, width, height, video px, or what finds that; None: all of the picture.
        width: frames are scaled to it, px; None: not scaled.
        max_side: without a width, frames whose longer side has more px are scaled to that.
        fps: pictures a second, of a folder of them.
        jpeg: re-compress the frames as the reference does (docs/reference.md, B8).

    Raises:
        InputError: the video is missing, truncated, too short or smaller than the crop.
    """
    used = used_frames(first, step or 1, count)
    if callable(crop) or any(value is not None for value in (rate, start, end)):
        # Only the true times of all frames tell which are used: the video is decoded twice.
        times = frame_times(video, provenance.threads, fps)
        span = {"rate": rate, "start": start, "end": end}
        used = frames_by_time(times, first=first, step=step, count=count, **span)
        _check_used(video, len(times), len(used), used)
    with (
        stage_files.create(path, provenance) as h5,
        open_video(video, provenance.threads, fps) as source,
    ):
        crop = crop(used, times, source.size) if callable(crop) else crop
        view = View.of(source.size, crop, width, max_side)
        check_view(video, source.size, view)
        shape = (None, *view.size[::-1], 3)
        frames = stage_files.add_stream(h5, "frames", shape, "uint8", axes="frame row column rgb")
        index = []
        for n, picture in progress(source.pictures(used)):
            index.append(n)
            frame = view.cut(picture)
            frames.resize(len(index), axis=0)
            frames[-1] = jpeg_round_trip(frame) if jpeg else frame
        info = VideoInfo.of(source)
        _check_used(video, info.n_frames, len(index), used)
        add_header(h5, FramesHeader(np.array(index), source.times[index], info, view))
        h5.attrs["fps"] = source.rate(index)


def add_header(h5: h5py.File, header: FramesHeader) -> None:
    """What `read_header` reads: a file that says it stands for frames.h5 when that is gone."""
    stage_files.add(h5, "index", header.index, axes="frame")
    stage_files.add(h5, "time", header.time, axes="frame", unit="s")
    h5.attrs["video_size_px"] = header.video.size
    h5.attrs["video_frames"] = header.video.n_frames
    h5.attrs["video_fps"] = header.video.fps
    h5.attrs["crop_px"] = header.view.crop
    h5.attrs["scale"] = header.view.scale


def _check_used(video: Path | str, n_frames: int, n_used: int, used: range) -> None:
    """Refuse a video that is too short."""
    check(
        n_used >= _MIN_FRAMES,
        video,
        f"{n_frames} frames, of which {n_used} are used (one in {used.step}, from {used.start})",
        f"at least {_MIN_FRAMES} are needed: look to frames.first, step, rate, count, start, end",
    )


def check_view(video: Path | str, size: tuple[int, int], view: View) -> None:
    """Refuse a crop that reaches out of the picture, or frames too small for RAFT.

    Raises:
        InputError: it does, or they are.
    """
    x, y, width, height = view.crop
    check(
        x + width <= size[0] and y + height <= size[1],
        video,
        f"the crop reaches to ({x + width}, {y + height}), the video is {size[0]} x {size[1]} px",
        "change the sequence's crop, or is it another video?",
    )
    check(
        min(view.size) >= _MIN_SIDE,
        video,
        f"frames would be {view.size[0]} x {view.size[1]} px",
        f"at least {_MIN_SIDE} px are needed: change the sequence's crop or frames.width",
    )


def read_header(path: Path | str) -> FramesHeader:
    """What frames.h5, or another file with a header, says besides the frames."""
    with stage_files.opened(path) as h5:
        width, height = (int(side) for side in h5.attrs["video_size_px"])
        x, y, w, h = (int(value) for value in h5.attrs["crop_px"])
        scale_x, scale_y = (float(value) for value in h5.attrs["scale"])
        return FramesHeader(
            stage_files.read(h5, "index"),
            stage_files.read(h5, "time"),
            VideoInfo((width, height), float(h5.attrs["video_fps"]), int(h5.attrs["video_frames"])),
            View((x, y, w, h), (scale_x, scale_y)),
        )


@contextmanager
def open_frames(path: Path | str) -> Iterator[FrameReader]:
    """The frames of frames.h5, to read one at a time."""
    with stage_files.opened(path) as h5:
        yield FrameReader(h5)
