"""How tables for people (markdown) and for papers (LaTeX: booktabs, graphicx) are written."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flowpose.evaluation.metric import Metric
from flowpose.version import __version__

# Of LaTeX: a row holds as many values as there are metrics, with their intervals. A table of more
# columns than these is made as small as the text is wide.
_MOST_COLUMNS = 5
_FITTED = r"\resizebox{\textwidth}{!}{%"
_IN_LATEX = str.maketrans(
    {character: rf"\{character}" for character in "%_&#${}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"±": r"$\pm$"}
)
_SMALL = r"\footnotesize\setlength{\tabcolsep}{3pt}"


@dataclass(frozen=True)
class TextStyle:
    """How a kind of text has a value, its interval, and what is to be seen first."""

    half_width: str
    bounds: str
    bold: str
    minus: str


MARKDOWN = TextStyle(" ± {}", " [{}, {}]", "**{}**", "−")
LATEX = TextStyle(
    r" {{\scriptsize $\pm$ {}}}", r" {{\scriptsize [{}, {}]}}", r"\textbf{{{}}}", "$-$"
)


def mean_cell(
    numbers: Sequence[float], metric: Metric, style: TextStyle, *, bold: bool = False
) -> str:
    """A mean ± half the width of its interval, as far as they are known: mean, low and high."""
    mean, low, high = numbers
    if pd.isna(mean):
        return ""
    text = _number(mean, metric, style)
    text = style.bold.format(text) if bold else text
    half = (high - low) / 2
    return text if pd.isna(half) else text + style.half_width.format(_number(half, metric, style))


def difference_cell(numbers: Sequence[float], metric: Metric, style: TextStyle) -> str:
    """A difference and the bounds of its interval; bold where they do not hold 0."""
    difference, low, high = numbers
    if pd.isna(difference):
        return ""
    text, *bounds = (_number(of, metric, style, "+") for of in (difference, low, high))
    if not np.isfinite([low, high]).all():
        return text
    text = style.bold.format(text) if low > 0 or high < 0 else text
    return text + style.bounds.format(*bounds)


def _number(value: float, metric: Metric, style: TextStyle, sign: str = "") -> str:
    # Adding 0 makes -0.0 a 0.0.
    text = f"{round(value, metric.digits) + 0.0:{sign}.{metric.digits}f}"
    return text.replace("-", style.minus)


def are_best(values: pd.Series, metric: Metric) -> list[bool]:
    """Which of the values of a metric are the best, as they are written."""
    written = values.round(metric.digits)
    best = written.min() if metric.better == "lower" else written.max()
    return [bool(value == best) for value in written]


def made_by(dataset: str, config: str) -> str:
    """What a caption begins with: which data set, config and version this is of."""
    return f"{dataset} ({config}), flowpose {__version__}"


def markdown_table(cells: pd.DataFrame, n_names: int) -> str:
    """A table of texts, of which the first columns are names."""
    align = ["left"] * n_names + ["right"] * (cells.shape[1] - n_names)
    # What would end a cell or a row.
    cells = cells.map(lambda cell: " ".join(str(cell).split()).replace("|", r"\|"))
    return cells.to_markdown(index=False, colalign=align, disable_numparse=True)


def latex_table(cells: pd.DataFrame, names: Sequence[str], caption: str, label: str) -> str:
    """A table in an environment of its own; the columns `names` and the caption are escaped."""
    styler = cells.style.hide(axis="index").format(escape="latex", subset=list(names))
    text = styler.format_index(escape="latex", axis="columns").to_latex(
        hrules=True,
        environment="table*",
        column_format="l" * len(names) + "r" * (cells.shape[1] - len(names)),
        caption=_escaped(caption),
        label=label,
        position="t",
        position_float="centering",
    )
    # Units of metrics have it.
    text = text.replace("²", "$^2$").replace("³", "$^3$")
    begin, end = r"\begin{tabular}", r"\end{tabular}"
    if cells.shape[1] > _MOST_COLUMNS:
        begin, end = f"{_FITTED}\n{begin}", f"{end}}}"
    text = text.replace(r"\begin{tabular}", f"{_SMALL}\n{begin}")
    return text.replace(r"\end{tabular}", end)


def _escaped(text: str) -> str:
    return text.translate(_IN_LATEX)
