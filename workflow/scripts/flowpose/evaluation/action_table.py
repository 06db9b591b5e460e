"""The table of the field for Human3.6M: a column an activity, before and after the adaptation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from flowpose.errors import check
from flowpose.evaluation.metric import Scores
from flowpose.evaluation.sequence_scores import (
    METRICS,
    ScoreFiles,
    in_table,
    read_sequence_scores,
)
from flowpose.evaluation.sequence_table import cell, write_csv
from flowpose.storage.whole_files import replacing

_OVER_FRAMES, _OVER_ACTIONS = "mean over frames", "mean over actions"


def collect_by_action(
    scores: Mapping[str, ScoreFiles], activities: Mapping[str, str], order: Sequence[str]
) -> pd.DataFrame:
    """Mean scores of each activity in the first cycle (before) and the last (after).

    An activity's mean is over all frames of its sequences. There are two means of all: over frames,
    as METRO and the reference count, and over activities, each counting alike.

    Args:
        scores: the files of each sequence; those of sequences that failed do not count.
        activities: which activity each sequence is of.
        order: of the activities' columns.

    Returns:
        A row a metric that is known and time, a column an activity that there is, and the means.

    Raises:
        InputError: all sequences failed.
    """
    cycles = {
        name: read_sequence_scores(files).cycles()
        for name, files in scores.items()
        if not files.failure()
    }
    check(bool(cycles), "scores", "all sequences failed")
    there = {activities[name] for name in cycles}
    columns = [activity for activity in order if activity in there]
    known = {
        metric.name: [of[metric.name].valid.any() for scored in cycles.values() for of in scored]
        for metric in METRICS
    }
    rows = []
    for metric in in_table(known):
        for when, cycle in (("before", 0), ("after", -1)):
            of = {name: scored[cycle][metric.name] for name, scored in cycles.items()}
            means = {
                column: _pooled([of[name] for name in of if activities[name] == column])
                for column in columns
            }
            means |= {
                _OVER_FRAMES: _pooled(list(of.values())),
                _OVER_ACTIONS: float(np.mean(list(means.values()))),
            }
            rows.append({"metric": metric.name, "when": when, **means})
    return pd.DataFrame(rows)


def _pooled(scores: Sequence[Scores]) -> float:
    """The mean over all that counts in several sequences; NaN if nothing does."""
    values = np.concatenate([score.values[score.valid] for score in scores])
    return float(values.mean()) if len(values) else float("nan")


def write_by_action(
    table: pd.DataFrame, csv: Path | str, markdown: Path | str, latex: Path | str
) -> None:
    """Write the table for programs (csv), for people (markdown) and for papers (LaTeX)."""
    write_csv(table, csv)
    metrics = {metric.name: metric for metric in METRICS}
    readable = table.astype(object)
    for index, row in table.iterrows():
        metric = metrics[row["metric"]]
        means = [cell(value, metric) for value in row.iloc[2:]]
        readable.loc[index] = [metric.heading, row["when"], *means]
    n_means = table.shape[1] - 2
    with replacing(markdown) as temporary:
        align = ["left"] * 2 + ["right"] * n_means
        text = readable.to_markdown(index=False, colalign=align, disable_numparse=True)
        temporary.write_text(text + "\n")
    with replacing(latex) as temporary:
        temporary.write_text(
            readable.to_latex(index=False, escape=True, column_format="ll" + "r" * n_means)
        )
