"""Frames without an estimate: interpolated where gaps are short, refused where they are long."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from flowpose.errors import InputError
from flowpose.video.frames_file import FramesHeader

# A guess may be so many s from the nearest frame that is known. From known to known that is 0.5 s,
# a step of a fast walk: between frames farther apart a leg may have swung to and fro unseen. At
# the ends, where only one side is known, it is half of that.
LONGEST_S = 0.25
_FAR_S = LONGEST_S + 1e-6


def interpolated(
    values: Float[np.ndarray, "n *shape"], known: Sequence[int], header: FramesHeader
) -> Float[np.ndarray, "T *shape"]:
    """Values of some of the frames used; between them linear in time, beyond them held."""
    time = header.time
    if len(known) == len(time):
        return values
    columns = values.reshape(len(values), -1).T
    filled = [np.interp(time, time[list(known)], column) for column in columns]
    return np.stack(filled, -1).astype(values.dtype).reshape(len(time), *values.shape[1:])


def check_gaps(
    known: Sequence[int], header: FramesHeader, where: str, what: str, remedy: str = ""
) -> None:
    """Refuse gaps that are too long to be interpolated.

    Args:
        known: places among the frames used, ascending, of which there is an estimate.
        where: what is estimated and from which file, for the message.
        what: what is missing, as a part of a sentence.
        remedy: what else the user can do.

    Raises:
        InputError: a frame is more than LONGEST_S from the nearest that is known; the message
            names such gaps, and the longest part of the video that has none.
    """
    places = np.arange(len(header.time))
    after = np.searchsorted(known, places).clip(max=len(known) - 1)
    neighbours = np.array(known)[[np.maximum(after - 1, 0), after]]
    distance = np.abs(header.time[neighbours] - header.time).min(0)
    gaps = [gap for gap in _runs(np.setdiff1d(places, known)) if distance[gap].max() > _FAR_S]
    if not gaps:
        return
    part = max(_runs(np.setdiff1d(places, np.concatenate(gaps))), key=len)
    named = ", ".join(
        f"{header.index[gap[0]]} to {header.index[gap[-1]]} "
        f"({header.time[gap[0]]:.2f} to {header.time[gap[-1]]:.2f} s)"
        for gap in gaps[:3]
    )
    raise InputError(
        f"{where}: {what} in frames {named}, too long to interpolate: more than {LONGEST_S} s from "
        f"a frame with one (use the longest part of the video without such a gap: frames.first "
        f"{header.index[part[0]]}, frames.count {len(part)}{remedy})"
    )


def _runs(places: np.ndarray) -> list[np.ndarray]:
    """Ascending places, cut where some are left out."""
    return np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(places) else []
