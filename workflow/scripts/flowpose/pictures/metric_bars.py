"""What pictures of bars have in common: a panel a metric, with pairs of bars, before and after."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from flowpose.evaluation.metric import Metric
from flowpose.pictures.drawing import STYLE, draw_title, key, save, say
from flowpose.pictures.palette import COLOURS

_INCHES_PER_METRIC = 4.2
# Of each pair of bars.
PAIR = ("before", "after")


def draw_metrics(
    table: pd.DataFrame,
    metrics: Sequence[Metric],
    draw_metric: Callable[[Axes, Metric, pd.DataFrame], None],
    *paths: Path | str,
    title: str,
    without: str,
) -> None:
    """Draw a panel a metric, as PNG or PDF.

    Args:
        table: its column `metric` says of which metric a row is.
        draw_metric: draws the rows of a metric.
        without: what the picture says where there is no metric.
    """
    with style.context(STYLE):
        n = max(1, len(metrics))
        layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
        figure = Figure(figsize=(16, 0.6 + _INCHES_PER_METRIC * n), dpi=100, layout=layout)
        draw_title(figure, title, list(map(key, PAIR)))
        panels = figure.subplots(n, 1, squeeze=False)[:, 0]
        for panel, metric in zip(panels, metrics, strict=False):
            draw_metric(panel, metric, table[table["metric"] == metric.name])
        if not metrics:
            say(panels[0], without)
        save(figure, *paths)


def draw_pairs_of_bars(
    axes: Axes,
    metric: Metric,
    names: Sequence[str],
    heights: Sequence[Float[np.ndarray, "n"]],
    intervals: Sequence[Float[np.ndarray, "n 2"]],
) -> None:
    """Two bars a name, before and after.

    Args:
        heights: means of the metric before and after.
        intervals: likewise their lower and upper bounds; NaN: not known.
    """
    places = np.arange(len(names))
    for k, who in enumerate(PAIR):
        at = places + (k - 0.5) * 0.4
        axes.bar(at, heights[k], width=0.38, color=COLOURS[who], label=who)
        axes.vlines(at, *intervals[k].T, color="0.15", linewidth=1.2)
    axes.set_xticks(places, names, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(bottom=0)
    axes.set(title=metric.title, ylabel=f"mean ({metric.unit})")
