"""A picture of an ablation: what each variant gives, and whether that differs from another's."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from flowpose.evaluation.ablation_table import DIFFERENCE, MAIN_METRICS
from flowpose.evaluation.metric import Metric
from flowpose.pictures.drawing import save
from flowpose.pictures.palette import BLACK, BLUE, GREEN, PURPLE, VERMILION
from flowpose.storage.whole_files import damage_named

# One for what is compared with none, and one each for what is compared with the same.
_ALONE = BLACK
_COLOURS = (VERMILION, BLUE, GREEN, PURPLE)
_STYLE = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.edgecolor": "0.5",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "xtick.color": "0.5",
    "xtick.labelcolor": "0.2",
    "ytick.left": False,
    "legend.frameon": False,
    # Text in a PDF stays text.
    "pdf.fonttype": 42,
}
_INCHES_PER_ROW, _INCHES_BESIDE, _INCHES_PER_METRIC, _INCHES_FOR_NAMES = 0.28, 1.7, 2.3, 2.6


def read_ablation(path: Path | str) -> pd.DataFrame:
    """The table of an ablation (csv)."""
    with damage_named(path):
        # As text, whatever they look like.
        table = pd.read_csv(path, converters=dict.fromkeys(("variant", "compared_with"), str))
    return table.fillna({"compared_with": ""})


def draw_ablation(table: pd.DataFrame, png: Path | str, pdf: Path | str, *, title: str) -> None:
    """Draw the means of all variants with their intervals, a panel a metric, as PNG and PDF.

    Args:
        table: as `collect_ablation` returns it.
        title: name of the data set.
    """
    metrics = [metric for metric in MAIN_METRICS if metric.name in table]
    with style.context(_STYLE):
        width = _INCHES_FOR_NAMES + _INCHES_PER_METRIC * max(1, len(metrics))
        height = _INCHES_BESIDE + _INCHES_PER_ROW * len(table)
        figure = Figure(figsize=(width, height), dpi=150, layout=ConstrainedLayoutEngine(w_pad=0.1))
        figure.suptitle(f"{title}: means over sequences, 95 % intervals")
        panels = figure.subplots(1, max(1, len(metrics)), sharey=True, squeeze=False)[0]
        colours = _colours(table)
        panels[0].set_yticks(range(len(table)), table["variant"])
        panels[0].set_ylim(len(table) - 0.5, -0.5)
        for panel, metric in zip(panels, metrics, strict=False):
            _draw_metric(panel, table, metric, colours)
        figure.legend(handles=_legend(table, colours), loc="outside lower center", ncols=3)
        save(figure, png, pdf)


def _colours(table: pd.DataFrame) -> list[str]:
    """The colour of each row."""
    others = [name for name in dict.fromkeys(table["compared_with"]) if name]
    of = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(others)}
    return [of.get(name, _ALONE) for name in table["compared_with"]]


def _draw_metric(axes: Axes, table: pd.DataFrame, metric: Metric, colours: Sequence[str]) -> None:
    """Dots with intervals, and where the variant lies that a row is compared with."""
    means = dict(zip(table["variant"], table[metric.name], strict=True))
    for y, (colour, (_, row)) in enumerate(zip(colours, table.iterrows(), strict=True)):
        if y % 2:
            axes.axhspan(y - 0.5, y + 0.5, color="0.96", zorder=0, linewidth=0)
        if (other := means.get(row["compared_with"])) is not None:
            axes.vlines(other, y - 0.5, y + 0.5, colors=colour, linestyles=":", linewidth=1)
        low, high = row[f"{metric.name}_low"], row[f"{metric.name}_high"]
        axes.hlines(y, low, high, colors=colour, linewidth=1.4)
        face = colour if differs(row, metric) else "white"
        axes.plot(row[metric.name], y, "o", color=colour, markerfacecolor=face, markersize=5)
    better = "" if metric.better == "lower" else "\nhigher is better"
    axes.set(title=metric.title, xlabel=metric.unit + better)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, min_n_ticks=2))


def differs(row: pd.Series, metric: Metric) -> bool:
    """Whether a variant surely differs from what it is compared with, or is compared with none."""
    ends = [row.get(f"{metric.name}{end}", np.nan) for end in DIFFERENCE[1:]]
    return not row["compared_with"] or bool(ends[0] > 0 or ends[1] < 0)


def _legend(table: pd.DataFrame, colours: Sequence[str]) -> list[Line2D]:
    """What colours and dots mean."""
    of = dict(zip(table["compared_with"], colours, strict=True))
    compared = [
        Line2D(
            [], [], color=colour, linestyle=":", marker="o", label=f"compared with: {name} (dotted)"
        )
        for name, colour in of.items()
        if name
    ]
    dots = [
        Line2D([], [], color="0.3", linestyle="", marker="o", markerfacecolor=face, label=label)
        for face, label in (
            ("0.3", "differs from it on the same frames"),
            ("white", "the interval of the difference holds 0"),
        )
    ]
    return [*compared, *dots]
