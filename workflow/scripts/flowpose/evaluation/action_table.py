"""The table of the field for Human3.6M: a column an activity, before and after the adaptation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from flowpose.errors import check
from flowpose.evaluation.ablation_table import frame_values
from flowpose.evaluation.intervals import interval
from flowpose.evaluation.metric import Scores
from flowpose.evaluation.paper_table import (
    LATEX,
    MARKDOWN,
    TextStyle,
    are_best,
    latex_table,
    made_by,
    markdown_table,
    mean_cell,
)
from flowpose.evaluation.sequence_scores import (
    METRICS,
    ScoreFiles,
    in_table,
    read_sequence_scores,
)
from flowpose.evaluation.sequence_table import write_csv
from flowpose.storage.whole_files import replacing

MEANS = _OVER_FRAMES, _OVER_ACTIONS = "mean over frames", "mean over actions"
# Of the mean over actions.
BOUNDS = ("low", "high")


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
        A row a metric that is known and time, a column an activity that there is, and the means; in
        `BOUNDS` the 95 % interval of the mean over activities, which draws these anew where there
        are enough, else blocks of frames (`flowpose.evaluation.intervals.interval`).

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
            bounds = _bounds(
                [[of[name] for name in of if activities[name] == column] for column in columns]
            )
            rows.append({"metric": metric.name, "when": when, **means, **bounds})
    return pd.DataFrame(rows)


def _pooled(scores: Sequence[Scores]) -> float:
    """The mean over all that counts in several sequences; NaN if nothing does."""
    values = np.concatenate([score.values[score.valid] for score in scores])
    return float(values.mean()) if len(values) else float("nan")


def _bounds(activities: Sequence[Sequence[Scores]]) -> dict[str, float]:
    """The interval of the mean over activities; NaN where one of them is not known."""
    values = []
    for scores in activities:
        pooled = [
            np.concatenate(of) for of in zip(*((s.values, s.valid) for s in scores), strict=True)
        ]
        values.append(frame_values(Scores(pooled[0], pooled[1], "")))
    if not all(np.isfinite(of).any() for of in values):
        return dict.fromkeys(BOUNDS, float("nan"))
    found = interval(values)
    return dict(zip(BOUNDS, (found.low, found.high), strict=True))


def write_by_action(
    table: pd.DataFrame,
    dataset: str,
    csv: Path | str,
    markdown: Path | str,
    latex: Path | str,
    *,
    config: str,
) -> None:
    """Write the table for programs (csv), for people (markdown) and for papers (LaTeX).

    Args:
        config: what the caption calls the config.
    """
    write_csv(table, csv)
    caption = (
        f"{made_by(dataset, config)}: means by action, before and after the adaptation, and of "
        "the mean over actions ± half the width of its 95 % interval (bootstrap); the better of "
        "both is bold."
    )
    names = ["metric", "when"]
    with replacing(markdown) as temporary:
        rows = markdown_table(_cells(table, MARKDOWN), len(names))
        temporary.write_text(f"{rows}\n\n{caption}\n")
    with replacing(latex) as temporary:
        temporary.write_text(latex_table(_cells(table, LATEX), names, caption, "tab:by-action"))


def _cells(table: pd.DataFrame, style: TextStyle) -> pd.DataFrame:
    """The table as texts, the better of before and after in bold."""
    metrics = {metric.name: metric for metric in METRICS}
    means = table.drop(columns=["metric", "when", *BOUNDS])
    cells = table[["metric", "when"]].join(means.astype(object))
    for name, rows in table.groupby("metric", sort=False):
        metric = metrics[name]
        cells.loc[rows.index, "metric"] = metric.heading
        for column in means:
            bounds = rows[list(BOUNDS)].to_numpy() if column == _OVER_ACTIONS else None
            for k, best in enumerate(are_best(rows[column], metric)):
                ends = (np.nan, np.nan) if bounds is None else bounds[k]
                index = rows.index[k]
                numbers = (rows.loc[index, column], *ends)
                cells.loc[index, column] = mean_cell(numbers, metric, style, bold=best)
    return cells
