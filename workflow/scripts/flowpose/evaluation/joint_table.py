"""Mean scores of every joint over the sequences of a data set, before and after the adaptation."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float

from flowpose.errors import check
from flowpose.evaluation.intervals import interval
from flowpose.evaluation.metric import FlowMetric, Metric
from flowpose.evaluation.pictured import PICTURED
from flowpose.evaluation.score_files import read_scores
from flowpose.evaluation.sequence_scores import ScoreFiles
from flowpose.storage import stage_files

TIMES = ("before", "after")
_ENDS = ("", "_low", "_high")


def collect_joints(scores: Mapping[str, ScoreFiles]) -> pd.DataFrame:
    """Means over sequences, each counting alike, with 95 % intervals.

    Args:
        scores: the files of each sequence; those of sequences that failed do not count.

    Returns:
        A row a metric and joint, in columns `metric` and `joint`; of `before` (cycle 0) and `after`
        (the last) the mean, and of each its `_low` and `_high` as of
        `flowpose.evaluation.intervals.interval`. Of each of PICTURED the first
        metric that is known.

    Raises:
        InputError: all sequences failed.
    """
    files = [of for of in scores.values() if not of.failure()]
    check(bool(files), "scores", "all sequences failed")
    rows = []
    for metrics in PICTURED:
        for metric in metrics:
            if found := _of_metric(files, metric):
                rows += found
                break
    columns = ["metric", "joint", *(f"{when}{end}" for when in TIMES for end in _ENDS)]
    return pd.DataFrame(rows, columns=columns)


def _of_metric(files: list[ScoreFiles], metric: Metric) -> list[dict[str, object]]:
    """The rows of a metric, of those joints of which it is known both before and after."""
    frames: dict[str, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    for of in files:
        for when in TIMES:
            for joint, values in _joints(of, metric, when).items():
                frames[joint][when].append(values)
    rows = []
    for joint, times in frames.items():
        if not all(any(np.isfinite(v).any() for v in times[when]) for when in TIMES):
            continue
        row: dict[str, object] = {"metric": metric.name, "joint": joint}
        for when in TIMES:
            bounds = interval(times[when])
            numbers = (bounds.mean, bounds.low, bounds.high)
            row |= {f"{when}{end}": n for end, n in zip(_ENDS, numbers, strict=True)}
        rows.append(row)
    return rows


def _joints(files: ScoreFiles, metric: Metric, when: str) -> dict[str, Float[np.ndarray, "n"]]:
    """The values of a metric in the first or the last cycle, by joint; NaN where none counts."""
    of_flow, k = isinstance(metric, FlowMetric), 0 if when == "before" else -1
    with stage_files.opened(files.flows[k] if of_flow else files.poses) as h5:
        last = sum(name.startswith("pose_") for name in h5) - 1
        group = h5 if of_flow else h5[f"pose_{last if k else 0}"]
        scores = read_scores(group, [metric])[metric.name]
        names = stage_files.joint_names(group, metric.name)
    return dict(zip(names, np.where(scores.valid, scores.values, np.nan).T, strict=True))
