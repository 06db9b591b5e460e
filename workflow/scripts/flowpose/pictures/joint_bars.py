"""A picture of a data set's joints: the mean errors of each, before and after the adaptation."""

from pathlib import Path

import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from flowpose.evaluation.joint_table import TIMES
from flowpose.evaluation.metric import Metric
from flowpose.evaluation.sequence_scores import METRICS
from flowpose.pictures.drawing import STYLE, draw_pairs_of_bars, draw_title, key, save, say
from flowpose.pictures.joint_curves import name_of

_INCHES_PER_METRIC = 4.2


def draw_joint_bars(table: pd.DataFrame, *paths: Path | str, title: str) -> None:
    """Draw two bars a joint with their intervals, a panel a metric, as PNG or PDF.

    Args:
        table: as `collect_joints` returns it.
        title: name of the data set.
    """
    metrics = [metric for metric in METRICS if metric.name in set(table["metric"])]
    with style.context(STYLE):
        n = max(1, len(metrics))
        layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
        figure = Figure(figsize=(16, 0.6 + _INCHES_PER_METRIC * n), dpi=100, layout=layout)
        draw_title(figure, f"{title}: means over sequences, 95 % intervals", list(map(key, TIMES)))
        panels = figure.subplots(n, 1, squeeze=False)[:, 0]
        for panel, metric in zip(panels, metrics, strict=False):
            draw_metric_of_joints(panel, metric, table[table["metric"] == metric.name])
        if not metrics:
            say(panels[0], "nothing is known of joints")
        save(figure, *paths)


def draw_metric_of_joints(axes: Axes, metric: Metric, rows: pd.DataFrame) -> None:
    """The bars of a metric."""
    bounds = [rows[[f"{when}_low", f"{when}_high"]].to_numpy() for when in TIMES]
    heights = [rows[when].to_numpy() for when in TIMES]
    draw_pairs_of_bars(axes, [name_of(joint) for joint in rows["joint"]], heights, bounds)
    axes.set(title=metric.title, ylabel=f"mean ({metric.unit})")
