"""The scores of a sequence's poses and flows, joined into cycles for tables and pictures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from flowpose.evaluation.flow_metrics import FLOW_METRICS
from flowpose.evaluation.frame_marks import MARKS
from flowpose.evaluation.metric import Metric, Scores
from flowpose.evaluation.pose_metrics import POSE_METRICS
from flowpose.evaluation.score_files import read_scores
from flowpose.storage import stage_files

# In the order of the table's columns.
METRICS: tuple[Metric, ...] = (*POSE_METRICS, *FLOW_METRICS)


def in_table(known: Mapping[str, Iterable[object]]) -> list[Metric]:
    """The metrics that a table has, of which `known` says for each sequence whether it has them."""
    return [
        metric
        for metric in METRICS
        if any(known[metric.name]) and not (metric.spare and all(known[metric.instead_of]))
    ]


@dataclass(frozen=True)
class ScoreFiles:
    """The files of a sequence's scores.

    Attributes:
        poses: pose_scores.h5.
        flows: flow_scores_k.h5 of each cycle.
    """

    poses: Path | str
    flows: Sequence[Path | str]

    @classmethod
    def of_sequences(
        cls, names: Sequence[str], poses: Sequence[str], flows: Sequence[str]
    ) -> dict[str, "ScoreFiles"]:
        """The files of each sequence, of lists of them.

        Args:
            flows: of all cycles of the first sequence, then of those of the next one.
        """
        n = len(flows) // len(poses) if poses else 0
        return {
            name: cls(of, list(flows)[k * n : (k + 1) * n])
            for k, (name, of) in enumerate(zip(names, poses, strict=True))
        }

    def failure(self) -> str | None:
        """Why one of them could not be made, or None if all were."""
        reasons = map(stage_files.failure, (self.poses, *self.flows))
        return next((reason for reason in reasons if reason), None)


@dataclass(frozen=True)
class SequenceScores:
    """How good a sequence's poses and flows are, by name of the metric.

    Attributes:
        scored: in which of the frames the 3D pose is scored.
        poses: scores of the pose as estimated, and after each refinement.
        marks: which frames of each of them have a mark of `MARKS`.
        flows: scores of the flow of each cycle.
    """

    scored: Bool[np.ndarray, "T"]
    poses: Sequence[Mapping[str, Scores]]
    marks: Sequence[Mapping[str, Bool[np.ndarray, "T"]]]
    flows: Sequence[Mapping[str, Scores]]

    def cycles(self) -> list[dict[str, Scores]]:
        """All scores of each cycle; a cycle without a pose of its own has the last one's."""
        return [{**self.poses[self.pose_of(k)], **flow} for k, flow in enumerate(self.flows)]

    def pose_of(self, cycle: int) -> int:
        """Which of the poses is that of a cycle."""
        return min(cycle, len(self.poses) - 1)

    def history(self, metric: Metric) -> list[Scores]:
        """The scores of a metric, pose after pose or flow after flow."""
        return [
            scores[metric.name] for scores in (*self.poses, *self.flows) if metric.name in scores
        ]

    def knows(self, metric: Metric) -> bool:
        """Whether the metric has a value in any cycle."""
        return any(scores.valid.any() for scores in self.history(metric))


def read_sequence_scores(files: ScoreFiles) -> SequenceScores:
    """Read all scores of a sequence."""
    with stage_files.opened(files.poses) as h5:
        scored = stage_files.read(h5, "scored", (None,))
        groups = [h5[f"pose_{k}"] for k in range(sum(name.startswith("pose_") for name in h5))]
        poses = [read_scores(group, POSE_METRICS) for group in groups]
        marks = [{mark: stage_files.read(group, mark) for mark in MARKS} for group in groups]
    flows = []
    for path in files.flows:
        with stage_files.opened(path) as h5:
            flows.append(read_scores(h5, FLOW_METRICS))
    return SequenceScores(scored, poses, marks, flows)
