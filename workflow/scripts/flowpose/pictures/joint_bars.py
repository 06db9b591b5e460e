"""A picture of a data set's joints: the mean errors of each, before and after the adaptation."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from flowpose.evaluation.joint_table import TIMES
from flowpose.evaluation.metric import Metric
from flowpose.evaluation.sequence_scores import METRICS
from flowpose.pictures.joint_curves import name_of
from flowpose.pictures.metric_bars import draw_metrics, draw_pairs_of_bars


def draw_joint_bars(table: pd.DataFrame, *paths: Path | str, title: str) -> None:
    """Draw two bars a joint with their intervals, a panel a metric, as PNG or PDF.

    Args:
        table: as `collect_joints` returns it.
        title: name of the data set.
    """
    metrics = [metric for metric in METRICS if metric.name in set(table["metric"])]
    draw_metrics(
        table,
        metrics,
        draw_metric_of_joints,
        *paths,
        title=f"{title}: means over sequences, 95 % intervals",
        without="nothing is known of joints",
    )


def draw_metric_of_joints(axes: Axes, metric: Metric, rows: pd.DataFrame) -> None:
    """The bars of a metric."""
    bounds = [rows[[f"{when}_low", f"{when}_high"]].to_numpy() for when in TIMES]
    heights = [rows[when].to_numpy() for when in TIMES]
    draw_pairs_of_bars(axes, metric, list(map(name_of, rows["joint"])), heights, bounds)
