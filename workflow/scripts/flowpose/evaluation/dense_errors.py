"""End-point errors of a flow over parts of the picture, where the true flow is known everywhere."""

import cv2
import numpy as np
from jaxtyping import Bool, Float

from flowpose.evaluation.metric import Scores
from flowpose.flow.true_flow_file import TrueField
from flowpose.runtime.streams import Stream

# Pixels within this part of the person's height of the outline are at the border.
BORDER = 0.02
# The parts of the picture.
REGIONS = ("everywhere", "person", "background", "border")


def dense_errors(
    flows: Stream[Float[np.ndarray, "H W 2"]], truth: Stream[TrueField] | None
) -> dict[str, Scores]:
    """The mean end-point error of each pair in each of `REGIONS`, px.

    None counts where there is no truth, or a pair has no such pixel whose truth is known.
    """
    n = len(flows)
    values = {region: np.full(n, np.nan) for region in REGIONS}
    if truth is not None:
        for t in range(n):
            field = truth[t]
            errors = np.linalg.norm(flows[t] - field.flow, axis=-1)
            known = np.isfinite(errors)
            for region, mask in regions(field).items():
                if (counts := mask & known).any():
                    values[region][t] = errors[counts].mean()
    return {region: Scores(v, np.isfinite(v), "px") for region, v in values.items()}


def regions(field: TrueField) -> dict[str, Bool[np.ndarray, "H W"]]:
    """The pixels of each of `REGIONS`; of `everywhere` only, where nothing tells the person.

    The border is on both sides of the person's outline, at most `BORDER` of the person's height
    away from it, or 1 px; the height is the longer side of the box around the person's pixels.
    """
    everywhere = {"everywhere": np.ones(field.flow.shape[:2], bool)}
    if field.person is None:
        return everywhere
    person = field.person
    border = _border(person) if person.any() else np.zeros_like(person)
    return {**everywhere, "person": person, "background": ~person, "border": border}


def _border(person: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    height = max(int(np.ptp(pixels)) + 1 for pixels in np.nonzero(person))
    reach = max(1.0, BORDER * height)
    near = np.zeros_like(person)
    for side in (person, ~person):
        # From each pixel of a side to the nearest pixel of the other; the first has 1.
        distance = cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        near |= side & (distance <= reach)
    return near
