"""Videos for tests, written by PyAV, and their frames."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from flowpose.video.decoding import VideoInfo, open_video
from flowpose.video.frames_file import FramesHeader, View

# Frames are predicted from later ones, and most are no key frames.
B_FRAMES = {"bf": "3", "g": "12"}
_ONE = 1 << 16


def write_video(
    path: Path,
    pictures: np.ndarray,
    codec: str,
    *,
    pixels: str = "yuv420p",
    times_ms: Sequence[int] | None = None,
    fps: int = 50,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
) -> Path:
    """RGB pictures (n, h, w, 3) as a video, at a constant rate or at given times."""
    unit = Fraction(1, fps) if times_ms is None else Fraction(1, 1000)
    times = range(len(pictures)) if times_ms is None else times_ms
    with av.open(str(path), "w", options=container or {}) as file:
        stream = file.add_stream(codec, rate=fps, options=options or {})
        stream.height, stream.width = pictures.shape[1:3]
        stream.pix_fmt = pixels
        stream.codec_context.time_base = unit
        for picture, time in zip(pictures, times, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = time, unit
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def turn(path: Path, degrees: int) -> None:
    """Have an MP4's header say that pictures are to be turned clockwise, as a phone does."""
    a, b = {0: (_ONE, 0), 90: (0, _ONE), 180: (-_ONE, 0), 270: (0, -_ONE)}[degrees]
    content = path.read_bytes()
    upright = struct.pack(">9i", _ONE, 0, 0, 0, _ONE, 0, 0, 0, 1 << 30)
    start = content.index(upright, content.index(b"tkhd"))
    turned = struct.pack(">9i", a, b, 0, -b, a, 0, 0, 0, 1 << 30)
    path.write_bytes(content[:start] + turned + content[start + len(turned) :])


def add_sound(source: Path, path: Path, seconds: float) -> Path:
    """A video with a second stream, of sound, which may end later."""
    rate = 8000
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        video = new.add_stream_from_template(old.streams.video[0])
        sound = new.add_stream("aac", rate=rate, layout="mono")
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                new.mux(packet)
        wave = np.sin(np.arange(int(seconds * rate)) / 3).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        frame.sample_rate = rate
        new.mux(sound.encode(frame))
        new.mux(sound.encode())
    return path


def copy_stream(source: Path, path: Path, *, later: Fraction = Fraction(0), **container) -> Path:
    """The stream of a video in another container, shown later; what is before 0 is hidden."""
    with av.open(str(source)) as old, av.open(str(path), "w", options=container) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        shift = int(later / old.streams.video[0].time_base)
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.pts, packet.dts, packet.stream = (
                    packet.pts + shift,
                    packet.dts + shift,
                    stream,
                )
                new.mux(packet)
    return path


def decode(path: Path, used: range) -> tuple[FramesHeader, np.ndarray]:
    """The frames used of a video, neither cropped nor scaled, and their header."""
    with open_video(path) as source:
        index, pictures = zip(*source.pictures(used), strict=True)
        view = View.of(source.size, None, None)
        times = source.times[list(index)]
        return FramesHeader(np.array(index), times, VideoInfo.of(source), view), np.stack(pictures)
