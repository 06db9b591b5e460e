"""A flow field in Middlebury's format, as MPI-Sintel's are: docs/exports.md."""

import struct

import numpy as np
from jaxtyping import Float

SUFFIX = ".flo"


def encode(flow: Float[np.ndarray, "H W 2"]) -> bytes:
    """The content of a file: float32, px."""
    height, width = flow.shape[:2]
    return struct.pack("<4sii", b"PIEH", width, height) + flow.astype("<f4").tobytes()
