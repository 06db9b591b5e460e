"""Encoding videos that browsers play: H.264 in an MP4 whose index comes first."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.codec.context import Flags
from av.container import OutputContainer
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from jaxtyping import UInt8

from flowpose.storage.whole_files import replacing

# Times are whole multiples of it at all usual rates: 24, 25, 30, 50, 60 a second, and 1000/1001 of
# these.
_UNIT = Fraction(1, 240_000)
# Fast, and of a quality that leaves no traces to the eye. Where no frame is predicted from later
# ones, the container tells how long each is shown, however unevenly.
_OPTIONS = {"preset": "veryfast", "crf": "20", "bf": "0"}


class VideoWriter:
    """An open video, to which pictures are added in the order in which they are shown."""

    def __init__(self, container: OutputContainer, stream: VideoStream) -> None:
        self._container, self._stream = container, stream

    def add(self, picture: UInt8[np.ndarray, "H W 3"], start: float, end: float) -> None:
        """Add an RGB picture that is shown from `start` to `end`, s."""
        # Faster than FFmpeg's conversion; it is that of BT.601, as the stream says.
        planes = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420), np.uint8)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.time_base = _UNIT
        frame.pts = round(start / _UNIT)
        frame.duration = round(end / _UNIT) - frame.pts
        frame.colorspace, frame.color_range = Colorspace.ITU601, ColorRange.MPEG
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write what the encoder still holds back."""
        self._container.mux(self._stream.encode())


@contextmanager
def create_video(
    path: Path | str, size: tuple[int, int], fps: float, *, title: str, threads: int = 1
) -> Iterator[VideoWriter]:
    """A video to fill, which appears at `path` once it is complete.

    Args:
        size: width and height of its pictures, px, even.
        fps: about how many pictures are shown a second.
        title: what players call it.
        threads: that encode.
    """
    with (
        replacing(path) as temporary,
        av.open(
            str(temporary), "w", format="mp4", container_options={"movflags": "+faststart"}
        ) as container,
    ):
        container.metadata["title"] = title
        rate = Fraction(fps).limit_denominator(1001)
        stream = container.add_stream("libx264", rate=rate, options=_OPTIONS)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        codec = stream.codec_context
        codec.time_base, codec.thread_count = _UNIT, threads
        codec.flags |= Flags.frame_duration
        # A whole picture every second, so that players find any moment at once.
        codec.gop_size = max(1, round(fps))
        codec.colorspace, codec.color_range = Colorspace.ITU601, ColorRange.MPEG
        codec.color_primaries, codec.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        writer = VideoWriter(container, stream)
        yield writer
        writer.finish()
