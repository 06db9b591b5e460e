"""A picture of Human3.6M's table by action: mean errors of each, before and after."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from flowpose.evaluation.action_table import BOUNDS, MEANS
from flowpose.evaluation.metric import Metric
from flowpose.evaluation.pictured import PICTURED
from flowpose.pictures.metric_bars import PAIR, draw_metrics, draw_pairs_of_bars
from flowpose.storage.whole_files import damage_named


def read_by_action(path: Path | str) -> pd.DataFrame:
    """The table by action (csv)."""
    with damage_named(path):
        return pd.read_csv(path)


def draw_by_action(table: pd.DataFrame, *paths: Path | str, title: str) -> None:
    """Draw two bars an action and for the means over all, a panel a metric, as PNG or PDF.

    Args:
        table: as `collect_by_action` returns it. Of each of PICTURED the first
            metric in it is shown.
        title: name of the data set.
    """
    there = set(table["metric"])
    shown = [next((m for m in metrics if m.name in there), None) for metrics in PICTURED]
    metrics = [metric for metric in shown if metric]
    draw_metrics(
        table,
        metrics,
        draw_metric_by_action,
        *paths,
        title=f"{title}: by action",
        without="nothing is known of actions",
    )


def draw_metric_by_action(axes: Axes, metric: Metric, rows: pd.DataFrame) -> None:
    """The bars of a metric; a line parts the actions from the means over all."""
    rows = rows.set_index("when").drop(columns="metric").loc[list(PAIR)]
    heights = rows.drop(columns=list(BOUNDS))
    # Only the mean over actions, the last one, has an interval.
    bounds = [np.full((heights.shape[1], 2), np.nan) for _ in PAIR]
    for of, when in zip(bounds, PAIR, strict=True):
        of[-1] = rows.loc[when, list(BOUNDS)]
    draw_pairs_of_bars(axes, metric, list(heights.columns), list(heights.to_numpy(float)), bounds)
    axes.axvline(heights.shape[1] - len(MEANS) - 0.5, color="0.6", linewidth=1, linestyle=":")
