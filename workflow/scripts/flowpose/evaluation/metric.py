"""What a metric is: a function, and an entry that says all that tables and pictures need of it."""

from collections.abc import Callable, Mapping
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
            value needs stands for it. One of all frames together has one row.
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
        span: how many consecutive frames a value needs; None: it is one of all of them.
        pictured: whether the picture of a sequence has its curve.
        instead_of: the metric in whose place it stands, where that one is not known: in the
            picture and, if it is `spare`, in tables. Empty: in none's.
        spare: whether a table has it only where that other one is not known of every sequence.
    """

    name: str
    title: str
    unit: str
    digits: int = 1
    better: Literal["lower", "higher"] = "lower"
    summary: str
    span: int | None
    pictured: bool = False
    instead_of: str = ""
    spare: bool = False

    @property
    def heading(self) -> str:
        """Of its column, for people."""
        return f"{self.title} ({self.unit})"


@dataclass(frozen=True, kw_only=True)
class PoseComparison:
    """A pose and what it is measured by: METRO_14 joints.

    Attributes:
        predicted: the pose, m, camera frame.
        estimated: which of its joints were estimated.
        true: where the joints were, m, camera frame.
        known: which of these are both known and estimated.
        predicted_2d: where the pose is in the picture, px of the frames.
        true_2d: where the joints were there.
        known_2d: which of these are both known and estimated.
        detections: where the joints were detected there; NaN: none that counts.
        time: of each frame, s.
    """

    predicted: Float[np.ndarray, "T 14 3"]
    estimated: Bool[np.ndarray, "T 14"]
    true: Float[np.ndarray, "T 14 3"]
    known: Bool[np.ndarray, "T 14"]
    predicted_2d: Float[np.ndarray, "T 14 2"]
    true_2d: Float[np.ndarray, "T 14 2"]
    known_2d: Bool[np.ndarray, "T 14"]
    detections: Float[np.ndarray, "T 14 2"]
    time: Float[np.ndarray, "T"]

    @property
    def fps(self) -> float:
        """Frames a second, on average; 0: not known."""
        span = float(self.time[-1] - self.time[0])
        return (len(self.time) - 1) / span if span > 0 else 0.0


@dataclass(frozen=True, kw_only=True)
class PoseMetric(Metric):
    """A metric of poses.

    Attributes:
        counts: which of its values count.
        values: of each joint, from what is compared and what counts.
        of_bones: whether they are of LENGTH_BONES instead of joints.
    """

    counts: Callable[[PoseComparison], Bool[np.ndarray, "n J"]]
    values: Callable[[PoseComparison, Bool[np.ndarray, "n J"]], Float[np.ndarray, "n J"]]
    of_bones: bool = False

    def score(self, compared: PoseComparison) -> Scores:
        """Scores of a pose."""
        valid = self.counts(compared)
        return Scores(self.values(compared, valid), valid, self.unit)


@dataclass(frozen=True, kw_only=True)
class FlowComparison:
    """A flow and the motions that it is measured by, px of the frames.

    Attributes:
        flows: a field a pair of frames.
        joints: where the joints were; NaN: not known.
        pose: where the pose has METRO_14's; NaN: not estimated.
        reference: whether to compute as the reference does.
        at_joints: end-point errors at the joints (pairs, K), px. They take reading all fields, so
            that metrics share them.
        at_pose: how far the pose's motion is from the flow at its joints (pairs, 14), px.
        by_region: mean end-point errors of each pair over parts of the picture, px, as
            `dense_errors` returns.
    """

    flows: Stream[Float[np.ndarray, "H W 2"]]
    joints: Float[np.ndarray, "T K 2"]
    pose: Float[np.ndarray, "T 14 2"]
    reference: bool
    at_joints: Scores
    at_pose: Scores
    by_region: Mapping[str, Scores]


@dataclass(frozen=True, kw_only=True)
class FlowMetric(Metric):
    """A metric of optical flow.

    Attributes:
        score: of a flow.
        at_pose: whether its values are of the pose's joints instead of the truth's.
    """

    score: Callable[[FlowComparison], Scores]
    at_pose: bool = False
