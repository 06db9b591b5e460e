"""The part of a video's picture that a person is in, by where the joints were detected."""

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int

from flowpose.errors import check
from flowpose.pose.estimates import Detections
from flowpose.pose.gaps import LONGEST_S

# Of the person's size, on each side: joints lie within the body, and RAFT wants surroundings.
_MARGIN = 0.2
# Of fewer others, more than half may be wrong by chance.
_LEAST_OTHERS = 4


def person_crop(
    detections: Detections,
    used: range,
    times: Float[np.ndarray, "F"],
    video_size: tuple[int, int],
) -> tuple[int, int, int, int]:
    """The smallest part of the picture with all joints of a person in the frames that are used.

    With a margin of a fifth of the person's size around them, as far as the picture reaches. A
    detection that is farther than this margin from where those around it in time say that the joint
    is does not count: an estimator's first frames may be far off.

    Args:
        used: indices of these frames in the video.
        times: when each frame of the video is shown, s.
        video_size: width and height, px.

    Returns:
        x, y, width, height, whole video px.

    Raises:
        InputError: nobody was detected, several people in a frame, or in a video of another size.
    """
    check(
        detections.image_size in (None, video_size),
        detections.source,
        f"detections in a video of {detections.image_size} px, it has {video_size}",
        "are they of another video?",
    )
    found = (detections.confidence > 0) & np.isfinite(detections.points).all(-1)
    rows = _rows_used(detections, found, used)
    sizes = [np.ptp(detections.points[row][found[row]], axis=0).max() for row in rows]
    margin = _MARGIN * float(np.median(sizes))
    borne_out = _bearing_out(detections, found, _shown(detections, used, times), margin)
    seen = found & np.isin(np.arange(len(found)), rows)[:, None]
    first, last = (
        np.array(
            [_outermost(way * detections.points[..., axis], seen, borne_out) for axis in (0, 1)]
        )
        for way in (-1, 1)
    )
    crop = _part_of_picture(-first - margin, last + margin, video_size)
    check(
        min(crop[2:]) > 0,
        detections.source,
        f"all joints lie off the picture of {video_size} px",
        "are joints given in px of the video, and not as fractions of it?",
    )
    return crop


def _rows_used(
    detections: Detections, found: Bool[np.ndarray, "n K"], used: range
) -> Int[np.ndarray, "m"]:
    """The rows of the person in the frames that are used: one a frame."""
    # Detections that count the frames used are of no others.
    there = np.isin(detections.frames, used) | (detections.numbering == "used")
    rows = np.flatnonzero(there & found.any(1))
    check(
        len(rows) > 0,
        detections.source,
        f"nobody was found in the {len(used)} frames that are used",
        "use other frames, by the keys of frames, or give estimates of your own",
    )
    frames, people = np.unique(detections.frames[rows], return_counts=True)
    crowded = frames[people > 1].tolist()
    check(
        not crowded,
        detections.source,
        f"several people in frames {crowded[:3]}: which is the crop to be of?",
        "set the sequence's crop to [x, y, width, height], or to null for all of the picture",
    )
    return rows


def _part_of_picture(
    first: Float[np.ndarray, "2"], last: Float[np.ndarray, "2"], video_size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """x, y, width, height of the whole px between two corners, as far as the picture reaches."""
    x, y = (max(0, math.floor(side)) for side in first)
    # The last column and row that are in it, for pixel centres are at whole numbers.
    right, bottom = (
        min(size - 1, math.ceil(side)) for size, side in zip(video_size, last, strict=True)
    )
    return x, y, right - x + 1, bottom - y + 1


def _shown(
    detections: Detections, used: range, times: Float[np.ndarray, "F"]
) -> Float[np.ndarray, "n"]:
    """When the frame of each row is shown, s; NaN: the video has no such frame."""
    if detections.numbering == "used":
        # Some detectors count from one: only the time from one to another is known.
        step = float(np.diff(times[used.start :: used.step]).mean()) if len(used) > 1 else 1.0
        return detections.frames * step
    beyond = (detections.frames < 0) | (detections.frames >= len(times))
    return np.where(beyond, np.nan, times[np.where(beyond, 0, detections.frames)])


def _once(frames: Int[np.ndarray, "n"]) -> Int[np.ndarray, "m"]:
    values, counts = np.unique(frames, return_counts=True)
    return values[counts == 1]


def _bearing_out(
    detections: Detections,
    found: Bool[np.ndarray, "n K"],
    shown: Float[np.ndarray, "n"],
    margin: float,
) -> Callable[[int, int], bool]:
    """Says of a row and joint whether the same joint in other rows bears its detection out."""
    # Where nobody knows whether several rows are of one person, they bear nothing out.
    alone = np.isin(detections.frames, _once(detections.frames[found.any(1)]))
    others = found & (alone & np.isfinite(shown))[:, None]

    def borne_out(row: int, joint: int) -> bool:
        path = np.flatnonzero(others[:, joint] & (np.arange(len(others)) != row))
        return _on_path(
            detections.points[row, joint],
            shown[row],
            detections.points[path, joint],
            shown[path],
            margin,
        )

    return borne_out


def _outermost(
    along: Float[np.ndarray, "n K"],
    seen: Bool[np.ndarray, "n K"],
    borne_out: Callable[[int, int], bool],
) -> float:
    """The greatest coordinate of a detection that is borne out; of all, if none is."""
    rows, joints = np.nonzero(seen)
    order = np.argsort(-along[rows, joints], kind="stable")
    held = (n for n in order if borne_out(int(rows[n]), int(joints[n])))
    outermost = next(held, order[0])
    return float(along[rows[outermost], joints[outermost]])


def _on_path(
    point: Float[np.ndarray, "2"],
    time: float,
    others: Float[np.ndarray, "n 2"],
    times: Float[np.ndarray, "n"],
    margin: float,
) -> bool:
    """Whether a joint is, within a margin, where it was before, goes after, or both say it is.

    What they say is the line of the others that are shown within `LONGEST_S`: before, after, or
    half of that on each side. Too few others say nothing: then it counts.
    """
    since = times - time
    half = LONGEST_S / 2
    spans = ((-LONGEST_S, 0.0), (0.0, LONGEST_S), (-half, half))
    # A frame's time is not exact.
    tolerance = 1e-6
    near = [(since >= a - tolerance) & (since <= b + tolerance) for a, b in spans]
    told = [
        float(np.linalg.norm(point - _at_zero(others[part], since[part])))
        for part in near
        if part.sum() >= _LEAST_OTHERS and np.ptp(since[part]) > 0
    ]
    return not told or min(told) <= margin


def _at_zero(
    points: Float[np.ndarray, "n 2"], times: Float[np.ndarray, "n"]
) -> Float[np.ndarray, "2"]:
    """Where a line through points is at time 0: the repeated median (Siegel 1982).

    Up to half of the points may be anywhere.
    """
    later = times[None] - times[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = (points[None] - points[:, None]) / later[..., None]
    slopes[later == 0] = np.nan
    slope = np.median(np.nanmedian(slopes, axis=1), axis=0)
    return np.asarray(np.median(points - slope * times[:, None], axis=0))
