"""Decoding videos."""

import io
import logging
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.video.reformatter import Interpolation
from jaxtyping import Float, UInt8
from PIL import Image

from flowpose.errors import InputError, check
from flowpose.storage.whole_files import check_readable
from flowpose.video.image_folder import ImageFolder

# Containers may promise a frame or two that no decoder returns.
_SLACK = 2

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VideoInfo:
    """What a decoded video has: its size (width, height) in px, mean frames a second and frames."""

    size: tuple[int, int]
    fps: float
    n_frames: int

    @classmethod
    def of(cls, video: "Video | ImageFolder") -> "VideoInfo":
        """What a video has, once it is decoded."""
        n = len(video.times)
        return cls(video.size, video.rate(range(n)), n)


class Video:
    """A video, to be decoded once, in the order in which its frames are shown.

    Attributes:
        size: width and height of its pictures, px, turned upright as its file says.
    """

    def __init__(self, path: Path | str, container: InputContainer, threads: int) -> None:
        check(bool(container.streams.video), path, "a file without a video")
        self._path, self._container = path, container
        self._stream = container.streams.video[0]
        self._stream.thread_type, self._stream.codec_context.thread_count = "AUTO", threads
        self._discarded = 0
        self._lost: list[int] = []
        # All frames' times and the last one's duration, in units of so many s.
        self._unit = self._stream.time_base or Fraction(1)
        self._times: list[int] = []
        self._duration = 0
        self._frames = self._decoded()
        first = next(self._frames, None)
        if first is None:
            raise InputError(f"{path}: a video of no frames that can be decoded")
        self._frames = chain([first], self._frames)
        self.size = _upright(first).shape[1::-1]

    def pictures(self, used: range) -> Iterator[tuple[int, UInt8[np.ndarray, "h w 3"]]]:
        """Decode to the end, so that a truncated video is noticed.

        Returns:
            Of frames in `used`, their index and RGB.

        Raises:
            InputError: the video is truncated or damaged, its pictures change their size, or its
                frames have no times.
        """
        damaged = []
        for index, frame in enumerate(self._frames):
            if frame.pts is None:
                raise InputError(
                    f"{self._path}: a stream without times (put it into a container, with its "
                    "frame rate: ffmpeg -r RATE -i IN -c copy OUT.mp4)"
                )
            self._times.append(frame.pts)
            self._duration = frame.duration
            if index in used:
                picture = _upright(frame)
                width, height = picture.shape[1::-1]
                check(
                    (width, height) == self.size,
                    self._path,
                    f"frame {index} is {width} x {height} px, the first {self.size[0]} x "
                    f"{self.size[1]}",
                    "cut the video where its size changes",
                )
                damaged += [index] if frame.is_corrupt else []
                yield index, picture
        if damaged:
            _log.warning("%s: damaged pictures in frames %s", self._path, damaged)
        # AVI keeps times of packets: frames have them in another order where some are predicted
        # from later ones.
        self._times.sort()
        self._check_whole()

    @property
    def times(self) -> Float[np.ndarray, "F"]:
        """When each decoded frame is shown, s after the first."""
        return np.array([float((time - self._times[0]) * self._unit) for time in self._times])

    def rate(self, frames: Sequence[int]) -> float:
        """How many of these frames, given by ascending indices, are shown a second, on average."""
        # In fractions: 60 frames a second are 60, not about 60.
        span = (self._times[frames[-1]] - self._times[frames[0]]) * self._unit
        return float((len(frames) - 1) / span) if span else 0.0

    def _decoded(self) -> Iterator[av.VideoFrame]:
        try:
            for packet in self._container.demux(self._stream):
                # Before the start of the part that is shown.
                self._discarded += packet.is_discard
                try:
                    yield from packet.decode()
                except av.error.InvalidDataError:
                    time = packet.dts if packet.pts is None else packet.pts
                    self._lost += [] if time is None else [time]
        except av.error.FFmpegError as error:
            check_readable(self._path)
            raise InputError(f"{self._path}: the video is damaged ({error.strerror})") from error

    def _check_whole(self) -> None:
        """Refuse a video with fewer frames than its container promises, or with gaps."""
        remedy = "the video is truncated or damaged: copy or download it again"
        n = len(self._times)
        lost = sum(self._times[0] < time < self._times[-1] for time in self._lost)
        check(not lost, self._path, f"{lost} frames cannot be decoded", remedy)
        promised = self._stream.frames - self._discarded
        check(
            n >= promised - _SLACK,
            self._path,
            f"expected {promised} frames, only {n} can be decoded",
            remedy,
        )
        # Matroska and WebM promise a duration, no number of frames.
        end = self._promised_end()
        if not self._stream.frames and end is not None and n > 1:
            last = (self._times[-1] + self._duration) * self._unit
            longest = int(np.diff(self._times).max()) * self._unit
            check(
                last >= end - (_SLACK + 1) * longest,
                self._path,
                f"expected {float(end):.3f} s, only {float(last):.3f} s can be decoded",
                remedy,
            )

    def _promised_end(self) -> Fraction | None:
        """When the video ends, s, if its container says so."""
        if self._stream.duration is not None:
            return self._stream.duration * self._unit
        tag = self._stream.metadata.get("DURATION", "")
        if match := re.fullmatch(r"(\d+):(\d+):(\d+\.?\d*)", tag):
            hours, minutes, seconds = map(Fraction, match.groups())
            return 3600 * hours + 60 * minutes + seconds
        # That of sound may be longer.
        duration = self._container.duration if len(self._container.streams) == 1 else None
        return None if duration is None else Fraction(duration, av.time_base)


@contextmanager
def open_video(
    path: Path | str, threads: int = 1, fps: float | None = None
) -> Iterator[Video | ImageFolder]:
    """A video to decode, by so many threads, or a folder of pictures.

    Args:
        fps: pictures of a folder that are shown a second; a video knows by itself.

    Raises:
        InputError: the file is missing, is no video, or has no frames.
    """
    if Path(path).is_dir():
        remedy = "set fps, for example: --config fps=30"
        check(fps is not None, path, "a folder of pictures does not say its frame rate", remedy)
        yield ImageFolder(path, fps or 0)
        return
    check(Path(path).is_file(), path, "no such video")
    check(fps is None, path, "a video has times of its own", "fps is for folders of pictures")
    try:
        # A name may hold a colon; what is written in tags does not matter here.
        container = av.open(f"file:{path}", metadata_errors="replace")
    except av.error.FFmpegError as error:
        check_readable(path)
        raise InputError(
            f"{path}: no video that can be opened (truncated, or of an unknown format)"
        ) from error
    with container:
        yield Video(path, container, threads)


def frame_times(
    path: Path | str, threads: int = 1, fps: float | None = None
) -> Float[np.ndarray, "F"]:
    """When each frame of a video or folder is shown, s after the first; decodes all of a video.

    Raises:
        InputError: as `open_video`, or the video is truncated or damaged.
    """
    with open_video(path, threads, fps) as video:
        deque(video.pictures(range(0)), maxlen=0)
        return video.times


def _upright(frame: av.VideoFrame) -> UInt8[np.ndarray, "h w 3"]:
    """RGB of a frame, turned as its file says.

    Converted and turned as OpenCV does, bit for bit; to RGB at once, 10 bits would be rounded
    otherwise.
    """
    bgr = frame.to_ndarray(format="bgr24", interpolation=Interpolation.BICUBIC, threads=1)
    quarters, rest = divmod(frame.rotation, 90)
    return np.rot90(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), 0 if rest else quarters)


def jpeg_round_trip(frame: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W 3"]:
    """The frame as a JPEG of quality 75 gives it back, which is what the reference's RAFT sees."""
    stream = io.BytesIO()
    Image.fromarray(frame).save(stream, "JPEG", quality=75)
    return np.asarray(Image.open(stream))
