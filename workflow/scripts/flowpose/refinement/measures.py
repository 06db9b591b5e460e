"""What the residuals of a pose's energy are measured in, so that its weights fit any video.

The paper's weights and the knee of its smooth L1 function, 1 m or 1 px, are meant for people of 500
px in frames 0.1 s apart. Other people's pixels and other frame rates count as if they were that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float

from flowpose.errors import check
from flowpose.pose.person_size import PAPER_HEIGHT_PX, person_height

PAPER_SECONDS = 0.1
# Nobody is smaller; a pose that is a point has no size.
_LEAST_HEIGHT_PX = 1.0
# Of each term, whether it is of pixels, and how many frames a residual spans, beyond the first;
# None: as `temporal` says.
_TERMS: dict[str, tuple[bool, int | None]] = {
    "prior": (False, 0),
    "temporal": (False, None),
    "bones": (False, 1),
    "camera": (False, None),
    "keypoints": (True, 0),
    "flow": (True, 1),
}


@dataclass(frozen=True)
class Measures:
    """How residuals are scaled and weighted. The defaults are the paper's.

    Attributes:
        units: pixels as they are, or as those of a person of 500 px.
        temporal: joints and camera are drawn to rest (first differences over frames), or to
            constant velocity (second differences).
        seconds: from each frame to the next: differences count as over 0.1 s, so that the energy
            of a motion does not depend on the frame rate. None: they count as they are.
            Must be above 0.
        knee: where smooth L1 goes from quadratic to linear, in standard deviations; that of a term
            of weight w is 1 / sqrt(w). None: at 1 m or 1 px.
    """

    units: Literal["pixels", "person"] = "pixels"
    temporal: Literal["rest", "velocity"] = "rest"
    seconds: Float[np.ndarray, "pairs"] | None = field(default=None, compare=False)
    knee: float | None = None

    def __post_init__(self) -> None:
        """Refuse frames that do not follow each other in time.

        Raises:
            InputError: there are such frames.
        """
        check(
            self.seconds is None or bool((np.isfinite(self.seconds) & (self.seconds > 0)).all()),
            "frames",
            "their times are not known, or do not increase",
            "does the video say its frame rate? Or set pose.per_second: false",
        )

    def weights(self, weights: Mapping[str, float]) -> dict[str, float]:
        """What the terms are multiplied by, where those of the config are `weights`.

        With a knee k a residual r counts k^2 h(r sqrt(w) / k), which is w r^2 / 2 up to the knee.
        """
        if self.knee is None:
            return dict(weights)
        return {name: self.knee**2 if weight else 0.0 for name, weight in weights.items()}

    def scales(
        self, weights: Mapping[str, float], joints: Float[np.ndarray, "T 14 2"]
    ) -> dict[str, Float[np.ndarray, "_ 1 ..."]]:
        """What the residuals of each term are multiplied by before smooth L1, but see `stencil`.

        Args:
            weights: of the config.
            joints: of the estimate, px.
        """
        n = len(joints)
        size = PAPER_HEIGHT_PX / np.fmax(person_height(joints), _LEAST_HEIGHT_PX)
        scales = {}
        for name, (of_pixels, span) in _TERMS.items():
            factor = 1.0 if self.knee is None else np.sqrt(weights[name]) / self.knee
            if of_pixels and self.units == "person":
                factor *= size
            if span is None:
                scale = np.ones(len(self.stencil(n)))
            else:
                scale = self._pace(n) if span else np.ones(n)
            scales[name] = (factor * scale).reshape(-1, 1, *[1] * of_pixels)
        return scales

    def stencil(self, n_frames: int) -> Float[np.ndarray, "n k"]:
        """Rows of factors for consecutive frames, whose sum is 0 if their motion is as wanted.

        With velocity (T-2, 3), the second derivative in units of 0.1 s, from frames that need not
        be equally far apart; to rest (T-1, 2), the first.
        """
        pace = self._pace(n_frames)
        if self.temporal == "rest":
            return np.stack([-pace, pace], axis=1)
        before, after = pace[:-1], pace[1:]
        # The step from the middle of one gap to the middle of the other.
        step = 2 / (1 / before + 1 / after)
        return np.stack([step * before, -step * (before + after), step * after], axis=1)

    def _pace(self, n_frames: int) -> Float[np.ndarray, "{n_frames-1}"]:
        """By how much faster than the paper's frames each follows the one before."""
        if self.seconds is None:
            return np.ones(n_frames - 1)
        return PAPER_SECONDS / self.seconds
