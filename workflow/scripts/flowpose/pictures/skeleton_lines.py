"""Skeletons drawn on a picture, each in its colour."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from flowpose.pictures import palette
from flowpose.pose.skeletons import FLOW_BONES, METRO_14

# In the order in which they are drawn.
COLOURS = {who: palette.rgb(palette.COLOURS[who]) for who in ("truth", "before", "after")}
# In heights of letters. What is drawn first is wider, so that it shows below what coincides with
# it.
_WIDTHS = {"truth": 0.42, "before": 0.28, "after": 0.15}
WHITE = (255, 255, 255)
_LEFT = [joint.startswith("l_") for joint in METRO_14.joints]
# OpenCV takes px in parts of 1 / 2^4.
_BITS = 4
# Beyond this, px, lines are not drawn: OpenCV counts in 32 bits.
_FAR = 1e6


def draw_skeletons(
    picture: UInt8[np.ndarray, "H W 3"],
    poses: Mapping[str, Float[np.ndarray, "14 2"]],
    letters: float,
) -> None:
    """Draw METRO_14 joints and the bones between them, px of the picture; NaN: not known.

    Joints on the left are hollow.

    Args:
        poses: of any of "truth", "before", "after".
        letters: height of letters, px, by which lines are wide.
    """
    # All that is white first, so that it hides no colour.
    for is_halo in (True, False):
        for who in COLOURS:
            if who in poses:
                _draw(picture, poses[who], FLOW_BONES, _LEFT, who, letters, is_halo)


def draw_sample(picture: UInt8[np.ndarray, "H W 3"], who: str, letters: float) -> None:
    """Draw a bone from a left to a right joint, for a legend."""
    height, width = picture.shape[:2]
    ends = np.array([[height / 2, height / 2], [width - height / 2, height / 2]])
    _draw(picture, ends, [(0, 1)], [True, False], who, letters)


def _draw(
    picture: UInt8[np.ndarray, "H W 3"],
    joints: Float[np.ndarray, "J 2"],
    bones: Sequence[tuple[int, int]],
    hollow: Sequence[bool],
    who: str,
    letters: float,
    is_halo: bool = False,
) -> None:
    """Draw joints and bones, or the white around them that shows them on any ground."""
    colour, width = COLOURS[who], max(2, round(_WIDTHS[who] * letters))
    known = (np.abs(joints) < _FAR).all(-1)
    points = np.round(np.where(known[:, None], joints, 0) * 2**_BITS).astype(int).tolist()
    if is_halo:
        colour, width = WHITE, width + 2 * max(1, round(letters / 12))
    for a, b in bones:
        if known[a] and known[b]:
            cv2.line(picture, points[a], points[b], colour, width, cv2.LINE_AA, _BITS)
    radius = round((width / 2 + 1) * 2**_BITS)
    for joint in np.flatnonzero(known).tolist():
        _dot(picture, points[joint], radius, colour)
        if hollow[joint] and not is_halo:
            _dot(picture, points[joint], radius // 2, WHITE)


def _dot(picture: np.ndarray, point: list[int], radius: int, colour: tuple[int, int, int]) -> None:
    cv2.circle(picture, point, radius, colour, cv2.FILLED, cv2.LINE_AA, _BITS)
