"""MediaPipe Pose (Google, Apache 2.0), run as a program in an environment of its own."""

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryFile
from typing import IO

import numpy as np
from jaxtyping import Float, UInt8

from flowpose.errors import FlowposeError, check
from flowpose.estimators import mediapipe_child
from flowpose.pose.landmarks_file import Landmarks
from flowpose.pose.skeletons import Skeleton
from flowpose.runtime.streams import worked_behind
from flowpose.video.decoding import frame_times, open_video
from flowpose.video.frames_file import View, check_view
from flowpose.video.selection import frames_by_time, used_frames

# It takes a few frames to find a person: in the first it may see nobody, or somebody far off. So it
# first sees so many of the following ones, backwards.
_LEAD_IN = 10

_log = logging.getLogger(__name__)


def estimate_landmarks(
    video: Path | str,
    python: Path | str,
    *,
    crop: tuple[int, int, int, int] | None,
    start: float | None = None,
    end: float | None = None,
    fps: float | None = None,
    progress: Callable[[Iterable], Iterable] = iter,
) -> Landmarks:
    """Where MediaPipe sees a person in a video; it follows one person.

    Args:
        video: is decoded to its end; or a folder of pictures.
        python: of the environment that has MediaPipe.
        crop: x, y, width, height of the part that it looks at, video px; None: all of the picture.
        start: it looks at frames that are shown from then on, s after the first; None: from the
            first.
        end: it looks at frames that are shown before then, s after the first; None: to the last.
        fps: pictures a second, of a folder of them.
        progress: wraps the frames as they are decoded.

    Returns:
        Landmarks of all frames of the video; NaN, with confidence 0, in those that it does not
        look at.

    Raises:
        InputError: the video is missing, damaged or smaller than the crop, has no frames from start
            to end, or nobody in them.
        FlowposeError: MediaPipe cannot be run, or ends too early.
    """
    part = used_frames(0, 1, None)
    if start is not None or end is not None:
        # Only the true times of all frames tell which these are: the video is decoded twice.
        times = frame_times(video, fps=fps)
        part = frames_by_time(times, first=0, step=1, count=None, rate=None, start=start, end=end)
        check(
            len(part) > 0,
            video,
            f"no frame from frames.start to frames.end: the last is shown at {times[-1]:.2f} s",
        )
    with open_video(video, fps=fps) as source:
        view = View.of(source.size, crop, None)
        check_view(video, source.size, view)
        pictures = (view.cut(picture) for _, picture in progress(source.pictures(part)))
        estimator, joints, answers = _answers(python, view.size, _after_lead_in(pictures))
        size, n_frames = source.size, len(source.times)
    looked_at = range(n_frames)[part.start : part.stop]
    said = np.full((n_frames, *answers.shape[1:]), np.nan, answers.dtype)
    said[looked_at] = answers[-len(looked_at) :]
    n_found = np.isfinite(said).all((1, 2)).sum()
    check(
        bool(n_found),
        video,
        f"MediaPipe finds nobody in any of {len(looked_at)} frames",
        "is a person to be seen, whole and large enough? If so, name estimates of your own, see "
        "docs/own-estimates.md",
    )
    _log.info("%s: somebody was found in %d of %d frames", video, n_found, len(looked_at))
    # MediaPipe takes the picture from pixel centre to pixel centre: no half pixel is to be added.
    pixels = said[..., :2] * np.array(view.size) + np.array(view.crop[:2])
    return Landmarks(
        joints_2d=pixels.astype(np.float32),
        joints_3d=said[..., 2:5],
        confidence=np.nan_to_num(said[..., 5]),
        skeleton=Skeleton.with_middles("landmarks", joints),
        image_size=size,
        estimator=estimator,
    )


def _after_lead_in(
    pictures: Iterator[UInt8[np.ndarray, "h w 3"]],
) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Pictures, and before them those that follow the first, backwards."""
    first = list(islice(pictures, _LEAD_IN + 1))
    yield from first[:0:-1]
    yield from first
    yield from pictures


def _answers(
    python: Path | str, size: tuple[int, int], pictures: Iterable[UInt8[np.ndarray, "h w 3"]]
) -> tuple[str, tuple[str, ...], Float[np.ndarray, "F J 6"]]:
    """The program, the joints' names, and what it says of each picture, as it describes that."""
    command = [str(python), "-I", mediapipe_child.__file__, *map(str, size)]
    # A notebook's backend, which this environment lacks, would stop what it imports.
    environment = os.environ | {"MPLBACKEND": "agg"}
    with TemporaryFile() as chatter:
        try:
            child = Popen(command, stdin=PIPE, stdout=PIPE, stderr=chatter, env=environment)
        except OSError as error:
            raise FlowposeError(
                f"{python}: MediaPipe's environment cannot be used: {error.strerror} (delete "
                f"{Path(python).parents[1]}, and run snakemake --cores 1 fetch)"
            ) from error
        with child:
            assert child.stdin is not None and child.stdout is not None
            to_child, from_child = child.stdin, child.stdout

            def answer(picture: UInt8[np.ndarray, "h w 3"]) -> Float[np.ndarray, "J 6"]:
                try:
                    to_child.write(picture.tobytes())
                    to_child.flush()
                except BrokenPipeError:
                    # It would be written once more at the end.
                    with suppress(BrokenPipeError):
                        to_child.close()
                raw = from_child.read(len(joints) * 6 * 4)
                if len(raw) < len(joints) * 6 * 4:
                    raise _ended(child, chatter)
                return np.frombuffer(raw, np.float32).reshape(-1, 6)

            line = from_child.readline()
            if not line:
                raise _ended(child, chatter)
            looks = json.loads(line)
            joints = tuple(looks["joints"])
            estimator = f"MediaPipe {looks['version']} (Apache 2.0), Pose, model full"
            _log.info(estimator)
            answers = np.stack(list(worked_behind(answer, pictures, threads=1)))
        _log.info("MediaPipe's own words:\n%s", _words(chatter))
    return estimator, joints, answers


def _words(chatter: IO[bytes]) -> str:
    chatter.seek(0)
    return chatter.read().decode(errors="replace").strip()


def _ended(child: Popen, chatter: IO[bytes]) -> FlowposeError:
    """The error of a program that ended before it was done."""
    status = child.wait()
    last = "\n".join(_words(chatter).splitlines()[-5:])
    return FlowposeError(f"MediaPipe ended early, with status {status}; its last words:\n{last}")
