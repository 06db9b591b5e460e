"""The table of an ablation for programs (csv), for people (markdown) and for papers (LaTeX)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from flowpose.evaluation.ablation_table import DIFFERENCE, MAIN_METRICS, MEAN
from flowpose.evaluation.metric import Metric
from flowpose.evaluation.sequence_table import write_csv
from flowpose.storage.whole_files import replacing
from flowpose.version import __version__

# Of LaTeX: a row holds as many values as there are metrics, with their intervals.
_SMALL = r"\footnotesize\setlength{\tabcolsep}{3pt}"
_HEADS = {"variant": "variant", "compared_with": "compared with"}


@dataclass(frozen=True)
class _Style:
    """How a kind of text has a value, its interval, and what is to be seen first."""

    interval: str
    bold: str
    minus: str


_MARKDOWN = _Style(" [{low}, {high}]", "**{}**", "−")
_LATEX = _Style(r" {{\scriptsize [{low}, {high}]}}", r"\textbf{{{}}}", "$-$")


def write_ablation(
    table: pd.DataFrame,
    dataset: str,
    csv: Path | str,
    markdown: Path | str,
    latex: Path | str,
) -> None:
    """Write a table as `collect_ablation` returns it.

    For people and papers it is two: means, of which the best of each metric is bold, and
    differences, of which those are bold whose interval does not hold 0.
    """
    write_csv(table, csv)
    about = _about(table, dataset)
    with replacing(markdown) as temporary:
        parts = [f"# Ablation of {dataset}"]
        for text, cells in zip(about, _tables(table, _MARKDOWN), strict=True):
            align = ["left"] * len(cells.columns)
            rows = cells.to_markdown(index=False, colalign=align, disable_numparse=True)
            parts += [rows, text]
        if "missing" in table:
            parts.append(f"Left out: {table['missing'].iloc[0]}.")
        temporary.write_text("\n\n".join(parts) + "\n")
    with replacing(latex) as temporary:
        temporary.write_text(
            "\n".join(
                _latex(cells, text, f"tab:ablation-{kind}")
                for kind, text, cells in zip(
                    ("means", "differences"), about, _tables(table, _LATEX), strict=True
                )
            )
        )


def _tables(table: pd.DataFrame, style: _Style) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means and differences as texts; a column each metric that is known."""
    means, differences = table[["variant"]].copy(), table[["variant", "compared_with"]].copy()
    differences = differences.dropna()
    for metric in MAIN_METRICS:
        if metric.name not in table:
            continue
        values = table[metric.name].round(metric.digits)
        best = values.min() if metric.better == "lower" else values.max()
        means[metric.heading] = [
            _cell(
                row, metric, MEAN, style, bold=bool(round(row[metric.name], metric.digits) == best)
            )
            for _, row in table.iterrows()
        ]
        if f"{metric.name}{DIFFERENCE[0]}" in table:
            differences[metric.heading] = [
                _cell(row, metric, DIFFERENCE, style, bold=_tells(row, metric), sign="+")
                for _, row in table.loc[differences.index].iterrows()
            ]
    return means.rename(columns=_HEADS), differences.rename(columns=_HEADS)


def _cell(
    row: pd.Series,
    metric: Metric,
    ends: tuple[str, str, str],
    style: _Style,
    *,
    bold: bool,
    sign: str = "",
) -> str:
    """A value with its interval, as far as they are known."""
    values = [row[f"{metric.name}{end}"] for end in ends]
    if pd.isna(values[0]):
        return ""
    # Adding 0 makes -0.0 a 0.0.
    texts = [f"{round(value, metric.digits) + 0.0:{sign}.{metric.digits}f}" for value in values]
    mean, low, high = (text.replace("-", style.minus) for text in texts)
    mean = style.bold.format(mean) if bold else mean
    known = not any(map(pd.isna, values))
    return mean + (style.interval.format(low=low, high=high) if known else "")


def _tells(row: pd.Series, metric: Metric) -> bool:
    """Whether the interval of a difference does not hold 0."""
    low, high = (row[f"{metric.name}{end}"] for end in DIFFERENCE[1:])
    return bool(np.isfinite([low, high]).all() and (low > 0 or high < 0))


def _about(table: pd.DataFrame, dataset: str) -> tuple[str, str]:
    """What stands below each of both tables."""
    n, frames, over = table[["n_sequences", "n_frames", "interval_over"]].iloc[0]
    sequences = "sequence" if n == 1 else "sequences"
    data = f"{dataset}, {n} {sequences}, {frames} frames, flowpose {__version__}"
    means = (
        f"{data}: mean over sequences, and its 95 % interval (bootstrap over {over}); "
        "the best of each metric is bold."
    )
    differences = (
        f"{data}: difference to the row that is compared with, on the same frames, and its 95 % "
        f"interval (bootstrap over {over}); bold where that does not hold 0."
    )
    if not any(metric.name in table for metric in MAIN_METRICS if not metric.instead_of):
        means += (
            " No truth is known: the metrics say whether poses are plausible, not whether right."
        )
    return means, differences


def _latex(cells: pd.DataFrame, caption: str, label: str) -> str:
    """A table of its own environment for the package booktabs; only names need escapes."""
    names = [name for name in _HEADS.values() if name in cells]
    styler = cells.style.hide(axis="index").format(escape="latex", subset=names)
    text = styler.format_index(escape="latex", axis="columns").to_latex(
        hrules=True,
        environment="table*",
        column_format="l" * len(cells.columns),
        caption=caption.replace("%", r"\%").replace("_", r"\_"),
        label=label,
        position="t",
        position_float="centering",
    )
    return text.replace(r"\begin{tabular}", _SMALL + "\n" + r"\begin{tabular}")
