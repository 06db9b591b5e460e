"""What a metric is: a function, and an entry that says all that tables and pictures need of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from flowpose.runtime.streams import Stream


@dataclass(frozen=True)
class Scores:
    """Values of a metric and which of them count.

    Attributes:
        values: (frames, joints), or (frames,) where a frame has one value; the first frame that a
            value needs stands for it.
        valid: where there is a value at all.
        unit: of the values.
    """

    values: Float[np.ndarray, "n *J"]
    valid: Bool[np.ndarray, "n *J"]
    unit: str

    def mean(self) -> float:
        """Mean over what is valid; NaN if nothing is."""
        return masked_mean(self.values, self.valid)

    def frame_means(self) -> Float[np.ndarray, "n"]:
        """Mean over what is valid in each frame; NaN if nothing is."""
        n = len(self.values)
        frames = zip(self.values.reshape(n, -1), self.valid.reshape(n, -1), strict=True)
        return np.array([masked_mean(*frame) for frame in frames])


def masked_mean(values: Float[np.ndarray, "..."], valid: Bool[np.ndarray, "..."]) -> float:
    """The mean over valid entries; NaN if there is none."""
    return float(values[valid].mean()) if valid.any() else float("nan")


@dataclass(frozen=True, kw_only=True)
class Metric:
    """An entry of the table of metrics.

    Attributes:
        name: of its column.
        title: for people.
        unit: of its values.
        digits: after the point, for people.
        better: which values are.
        summary: what it is, in a line.
        span: how many consecutive frames a value needs.
        pictured: whether the picture of a sequence has its curve.
    """

    name: str
    title: str
    unit: str
    digits: int = 1
    better: Literal["lower", "higher"] = "lower"
    summary: str
    span: int
    pictured: bool = False

    @property
    def heading(self) -> str:
        """Of its column, for people."""
        return f"{self.title} ({self.unit})"


@dataclass(frozen=True, kw_only=True)
class PoseMetric(Metric):
    """A metric of 3D poses.

    Attributes:
        counts: from which joints are both known and estimated (T, 14) to which values count.
        values: of predicted and true joints (T, 14, 3), m, and what counts.
    """

    counts: Callable[[Bool[np.ndarray, "T 14"]], Bool[np.ndarray, "n 14"]]
    values: Callable[
        [Float[np.ndarray, "T 14 3"], Float[np.ndarray, "T 14 3"], Bool[np.ndarray, "n 14"]],
        Float[np.ndarray, "n 14"],
    ]

    def score(
        self,
        predicted: Float[np.ndarray, "T 14 3"],
        true: Float[np.ndarray, "T 14 3"],
        known: Bool[np.ndarray, "T 14"],
    ) -> Scores:
        """Scores of METRO_14 joints, m; `known`: which are both known and estimated."""
        valid = self.counts(known)
        return Scores(self.values(predicted, true, valid), valid, self.unit)


@dataclass(frozen=True, kw_only=True)
class FlowMetric(Metric):
    """A metric of optical flow.

    Attributes:
        score: of a field a pair of frames, px; the true joints (T, K, 2), px; and whether to
            compute as the reference does.
    """

    score: Callable[[Stream[Float[np.ndarray, "H W 2"]], Float[np.ndarray, "T K 2"], bool], Scores]
