"""The part of a video's picture that a person is in, by where the joints were detected."""

import math

import numpy as np

from flowpose.errors import check
from flowpose.pose.estimates import Detections

# Of the person's size, on each side: joints lie within the body, and RAFT wants surroundings.
_MARGIN = 0.2


def person_crop(
    detections: Detections, used: range, video_size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """The smallest part of the picture with all joints of a person in the frames that are used.

    With a margin of a fifth of the person's size around them, as far as the picture reaches.

    Args:
        used: indices of these frames in the video.
        video_size: width and height, px.

    Returns:
        x, y, width, height, whole video px.

    Raises:
        InputError: nobody was detected, several people in a frame, or in a video of another size.
    """
    remedy = "set the sequence's crop to [x, y, width, height], or to null for all of the picture"
    check(
        detections.image_size in (None, video_size),
        detections.source,
        f"detections in a video of {detections.image_size} px, it has {video_size}",
        "are they of another video?",
    )
    # Detections that count the frames used are of no others.
    there = np.isin(detections.frames, used) | (detections.numbering == "used")
    found = (detections.confidence > 0) & np.isfinite(detections.points).all(-1)
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
        remedy,
    )
    boxes = np.array([_box(detections.points[row][found[row]]) for row in rows])
    margin = _MARGIN * float(np.median((boxes[:, 1] - boxes[:, 0]).max(1)))
    x, y = (max(0, math.floor(side)) for side in boxes[:, 0].min(0) - margin)
    # The last column and row that are in it, for pixel centres are at whole numbers.
    right, bottom = (
        min(last, math.ceil(side))
        for last, side in zip(np.array(video_size) - 1, boxes[:, 1].max(0) + margin, strict=True)
    )
    check(
        right >= x and bottom >= y,
        detections.source,
        f"all joints lie off the picture of {video_size} px",
        "are joints given in px of the video, and not as fractions of it?",
    )
    return x, y, int(right) - x + 1, int(bottom) - y + 1


def _box(points: np.ndarray) -> np.ndarray:
    """The least and the greatest x and y of points (n, 2), as (2, 2)."""
    return np.stack([points.min(0), points.max(0)])
