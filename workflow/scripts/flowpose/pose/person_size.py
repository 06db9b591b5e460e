"""How large a person is in the picture."""

import numpy as np
from jaxtyping import Float

# The paper's people have some 500 px; its weights and radii in px are meant for them.
PAPER_HEIGHT_PX = 500.0


def person_height(joints: Float[np.ndarray, "T J 2"]) -> float:
    """The height of a sequence's median person, px: the longer side of the box around its joints.

    NaN where no joint is known in any frame. Left and right, up and down are alike.
    """
    sides = np.nanmax(joints, axis=1) - np.nanmin(joints, axis=1)
    return float(np.nanmedian(sides.max(-1)))
