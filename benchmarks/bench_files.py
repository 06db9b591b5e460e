"""Reading and writing: frames out of a video, flow files."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from bench_flow import moving_frames
from measure import in_turns, row

from flowpose.flow.field_file import open_flows
from flowpose.flow.field_writing import write_flows
from flowpose.storage.provenance import Provenance
from flowpose.video.frames_file import extract_frames, open_frames

SIZE = (1002, 1000)
N_FRAMES = 30
NOBODY = Provenance("benchmark", {}, len(os.sched_getaffinity(0)), "", {})


def file_rows() -> Iterator[dict[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        yield from _rows(Path(folder))


def _rows(folder: Path) -> Iterator[dict[str, object]]:
    video, frames, flow = folder / "video.mp4", folder / "frames.h5", folder / "flow.h5"
    _write_video(video)
    noise = np.random.default_rng(0).normal(0, 40, (*SIZE, 2)).astype(np.float32)
    field = cv2.GaussianBlur(noise, (0, 0), 4)

    def extract() -> None:
        whole = {"count": None, "crop": None, "width": None, "jpeg": False}
        extract_frames(frames, video, NOBODY, first=0, step=1, **whole)

    def write() -> None:
        write_flows(
            flow,
            [field] * N_FRAMES,
            (N_FRAMES, *SIZE),
            NOBODY,
            lossless=False,
            precision="exact",
            device="cpu",
        )

    def read_frames() -> None:
        with open_frames(frames) as opened:
            for t in range(N_FRAMES):
                opened[t]

    def read_flows() -> None:
        with open_flows(flow) as opened:
            for t in range(len(opened)):
                opened[t]

    names = ("frames extracted", "flow fields written", "frames read", "flow fields read")
    times = in_turns(extract, write, read_frames, read_flows)
    for name, value in zip(names, times, strict=True):
        yield row(f"{name}, {SIZE[1]}x{SIZE[0]}", N_FRAMES / value, "1/s")


def _write_video(path: Path) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 50, SIZE[::-1])
    for frame in moving_frames(SIZE, N_FRAMES):
        writer.write(frame)
    writer.release()
