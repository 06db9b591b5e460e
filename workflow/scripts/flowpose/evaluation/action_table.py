"""The table of the field for Human3.6M: a column an activity, before and after the adaptation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from flowpose.errors import check
from flowpose.evaluation.scores import Errors, read_errors
from flowpose.evaluation.sequence_table import TITLES, write_csv
from flowpose.storage.stage_files import failure
from flowpose.storage.whole_files import replacing

_METRICS = ("mpjpe_mm", "pa_mpjpe_mm", "epe_px")
_OVER_FRAMES, _OVER_ACTIONS = "mean over frames", "mean over actions"


def collect_by_action(
    metrics: Mapping[str, Path | str], activities: Mapping[str, str], order: Sequence[str]
) -> pd.DataFrame:
    """Errors of each activity in the first cycle (before) and the last (after).

    An activity's error is the mean over all frames of its sequences. There are two means of all:
    over frames, as METRO and the reference count, and over activities, each counting alike.

    Args:
        metrics: the metrics.h5 of each sequence; those of sequences that failed do not count.
        activities: which activity each sequence is of.
        order: of the activities' columns.

    Returns:
        A row a metric and time, a column an activity that there is, and the means.

    Raises:
        InputError: all sequences failed.
    """
    errors = {name: read_errors(path) for name, path in metrics.items() if not failure(path)}
    check(bool(errors), "metrics", "all sequences failed")
    there = {activities[name] for name in errors}
    columns = [activity for activity in order if activity in there]
    rows = []
    for metric in _METRICS:
        for when, cycle in (("before", 0), ("after", -1)):
            of = {name: cycles[cycle][metric] for name, cycles in errors.items()}
            means = {
                column: _pooled([of[name] for name in of if activities[name] == column])
                for column in columns
            }
            means |= {
                _OVER_FRAMES: _pooled(list(of.values())),
                _OVER_ACTIONS: float(np.mean(list(means.values()))),
            }
            rows.append({"metric": metric, "when": when, **means})
    return pd.DataFrame(rows)


def _pooled(errors: Sequence[Errors]) -> float:
    """The mean over all that counts in several sequences."""
    return float(np.concatenate([error.values[error.valid] for error in errors]).mean())


def write_by_action(
    table: pd.DataFrame, csv: Path | str, markdown: Path | str, latex: Path | str
) -> None:
    """Write the table for programs (csv), for people (markdown) and for papers (LaTeX)."""
    write_csv(table, csv)
    readable = table.assign(metric=[TITLES[metric] for metric in table["metric"]])
    align = ["left", "left", *["right"] * (table.shape[1] - 2)]
    with replacing(markdown) as temporary:
        temporary.write_text(
            readable.to_markdown(index=False, colalign=align, floatfmt=".2f") + "\n"
        )
    with replacing(latex) as temporary:
        temporary.write_text(
            readable.to_latex(
                index=False, float_format="%.1f", column_format="ll" + "r" * (table.shape[1] - 2)
            )
        )
