"""The part of a frame that a picture shows."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

# How much of a frame is shown, in extents of the person.
_MARGIN = 1.35


@dataclass(frozen=True)
class Part:
    """The part of a frame that is shown: its first column and row, its width and height, px."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def around(cls, points: Float[np.ndarray, "n 2"], size: tuple[int, int]) -> "Part":
        """A square around points, as far as a frame of a size (width, height) reaches.

        All of the frame, if no point is known.
        """
        known = points[np.isfinite(points).all(-1)]
        if not len(known):
            return cls(0, 0, *size)
        low, high = known.min(0), known.max(0)
        sides = np.clip(np.ceil(_MARGIN * (high - low).max()), 2, size).astype(int)
        starts = np.clip((low + high - sides) / 2, 0, np.array(size) - sides).astype(int)
        return cls(*starts.tolist(), *sides.tolist())

    def of(self, image: np.ndarray) -> np.ndarray:
        """The part of an image or a field (H, W, ...)."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, lower and upper border, px; pixel centres are at whole numbers."""
        left, top = self.left - 0.5, self.top - 0.5
        return left, left + self.width, top + self.height, top
