"""Which frames of a video are used."""

import sys

import numpy as np
from jaxtyping import Float


def used_frames(first: int, step: int, count: int | None, n_frames: int = sys.maxsize) -> range:
    """Indices of the frames used of a video: every `step`-th from `first`, at most `count`."""
    frames = range(first, n_frames, step)
    return frames if count is None else frames[:count]


def frames_by_time(
    times: Float[np.ndarray, "F"],
    *,
    first: int,
    step: int | None,
    count: int | None,
    rate: float | None,
    start: float | None,
    end: float | None,
) -> range:
    """Indices of the frames used of a video whose times are known.

    Args:
        times: when each frame is shown, s, ascending.
        first: index of the first frame used, of those from `start` on.
        step: from one to the next, if `rate` is None.
        count: at most so many.
        rate: frames a second that are used, or a little more or fewer: the step is the whole number
            nearest to that of frames a second between `start` and `end`, over `rate`.
        start: use frames that are shown from then on, s; None: from the first.
        end: use frames that are shown before then, s; None: to the last.
    """
    begin = 0 if start is None else int(np.searchsorted(times, start))
    stop = len(times) if end is None else int(np.searchsorted(times, end))
    if rate is not None:
        part = times[begin:stop]
        span = float(part[-1] - part[0]) if len(part) else 0.0
        step = max(1, round((len(part) - 1) / span / rate)) if span else 1
    return used_frames(begin + first, step or 1, count, stop)
