"""Flow as colours: Middlebury's wheel (Baker et al., A Database and Evaluation Methodology for
Optical Flow, IJCV 2011)."""

from collections.abc import Iterable

import cv2
import numpy as np
from jaxtyping import Float, UInt8

# Where on the wheel its six pure colours are, of 55 steps: red, yellow, green, cyan, blue, magenta.
_STEPS = (0, 15, 21, 25, 36, 49, 55)
_PURE = np.array(
    [(1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1), (1, 0, 1), (1, 0, 0)], float
)
# What is faster than the rim is darker.
_BEYOND = 0.75
# The wheel as a picture to look colours up in: px to its rim, and up to where it reaches.
_RADIUS, _REACH = 200, 1.2
# Speeds that are told apart when the rim is found, px: 2 % from one to the next.
_SPEEDS = np.geomspace(1e-2, 1e4, 700)
# What is slower, px, does not count then, as a person may be small; of all others, this part is
# within the rim. One pixel in so many a side is looked at.
_RESTS, _WITHIN, _EVERY = 0.5, 0.98, 4


def wheel_colours(flow: Float[np.ndarray, "*n 2"]) -> UInt8[np.ndarray, "*n 3"]:
    """RGB of flow in parts of the rim's: hue says where to, saturation how fast."""
    x, y = flow[..., 0], flow[..., 1]
    speed = np.hypot(x, y)[..., None]
    # Red is to the right. The wheel ends a step before it begins again, as its authors have it.
    step = (np.arctan2(-y, -x) / np.pi + 1) / 2 * (_STEPS[-1] - 1)
    hue = np.stack([np.interp(step, _STEPS, _PURE[:, c]) for c in range(3)], -1)
    colour = np.where(speed <= 1, 1 - speed * (1 - hue), _BEYOND * hue)
    return np.round(255 * colour).astype(np.uint8)


class FlowColours:
    """Colours of flow fields, all on the same scale.

    Attributes:
        rim: the speed at the wheel's rim, px.
    """

    def __init__(self, rim: float) -> None:
        self.rim = rim
        side = np.arange(-round(_REACH * _RADIUS), round(_REACH * _RADIUS) + 1) / _RADIUS
        self._wheel = wheel_colours(np.stack(np.meshgrid(side, side), -1))

    def __call__(self, flow: Float[np.ndarray, "H W 2"]) -> UInt8[np.ndarray, "H W 3"]:
        """RGB of a field, px."""
        flow = np.asarray(flow, np.float32) / np.float32(self.rim)
        speed = cv2.magnitude(flow[..., 0], flow[..., 1])
        # Off the picture of the wheel, the direction would change.
        flow = (
            flow
            * (np.float32(_RADIUS) / np.maximum(1, speed / np.float32(0.98 * _REACH)))[..., None]
        )
        middle = (len(self._wheel) - 1) / 2
        columns, rows = np.ascontiguousarray(np.moveaxis(flow + np.float32(middle), -1, 0))
        return np.asarray(cv2.remap(self._wheel, columns, rows, cv2.INTER_LINEAR), np.uint8)

    def disc(self, side: int) -> tuple[UInt8[np.ndarray, "side side 3"], np.ndarray]:
        """The wheel as a legend shows it, and how far each pixel belongs to it, 0 to 1."""
        x, y = np.meshgrid(*2 * [np.linspace(-1, 1, side)])
        inside = np.clip((1 - np.hypot(x, y)) * side / 2 + 0.5, 0, 1)
        # Not darker at its edge.
        shown = np.stack([x, y], -1) / np.maximum(1, np.hypot(x, y) * 1.0001)[..., None]
        return wheel_colours(shown), inside


def rim_of(fields: Iterable[Float[np.ndarray, "H W 2"]]) -> float:
    """The speed that nearly all pixels that move keep within, px.

    Fields are looked at one at a time; a few very fast pixels do not make all others pale.
    """
    counts = np.zeros(len(_SPEEDS) + 1, int)
    for field in fields:
        some = np.asarray(field[::_EVERY, ::_EVERY], np.float64).reshape(-1, 2)
        bins = np.searchsorted(_SPEEDS, np.hypot(*some.T))
        counts += np.bincount(bins, minlength=len(counts))
    counts[: np.searchsorted(_SPEEDS, _RESTS)] = 0
    within = int(np.searchsorted(np.cumsum(counts), _WITHIN * counts.sum()))
    return max(_RESTS, float(_SPEEDS[min(within, len(_SPEEDS) - 1)]))
