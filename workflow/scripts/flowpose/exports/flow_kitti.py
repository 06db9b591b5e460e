"""A flow field in KITTI's format, PNG of 16 bits: docs/exports.md."""

import cv2
import numpy as np
from jaxtyping import Float

SUFFIX = ".png"
# value = 64 px + 2^15.
_UNITS_PER_PX, _ZERO = 64, 2**15
_MAX = np.iinfo(np.uint16).max


def encode(flow: Float[np.ndarray, "H W 2"]) -> bytes:
    """The content of a file: to 1/64 px; flow of 512 px and more is marked as not known."""
    stored = np.rint(flow * _UNITS_PER_PX) + _ZERO
    known = ((stored >= 0) & (stored <= _MAX)).all(-1)
    # OpenCV's order is blue, green, red; KITTI's x, y, known.
    channels = np.stack([known, stored[..., 1] * known, stored[..., 0] * known], axis=-1)
    done, content = cv2.imencode(SUFFIX, channels.astype(np.uint16))
    assert done
    return content.tobytes()
