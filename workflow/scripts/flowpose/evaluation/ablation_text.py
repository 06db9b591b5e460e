"""The table of an ablation for programs (csv), for people (markdown) and for papers (LaTeX)."""

from pathlib import Path

import pandas as pd

from flowpose.evaluation.ablation_table import DIFFERENCE, MAIN_METRICS, MEAN
from flowpose.evaluation.paper_table import (
    LATEX,
    MARKDOWN,
    TextStyle,
    are_best,
    difference_cell,
    latex_table,
    made_by,
    markdown_table,
    mean_cell,
)
from flowpose.evaluation.sequence_table import write_csv
from flowpose.storage.whole_files import replacing

_HEADS = {"variant": "variant", "compared_with": "compared with"}


def write_ablation(
    table: pd.DataFrame,
    dataset: str,
    csv: Path | str,
    markdown: Path | str,
    latex: Path | str,
    *,
    config: str,
    title: str = "Ablation",
) -> None:
    """Write a table as `collect_ablation` returns it.

    For people and papers it is two: means, of which the best of each metric is bold, and
    differences, of which those are bold whose interval does not hold 0.

    Args:
        config: what the captions call the config.
        title: what the table is.
    """
    write_csv(table, csv)
    about = _about(table, dataset, config)
    with replacing(markdown) as temporary:
        parts = [f"# {title} of {dataset}"]
        for text, cells in zip(about, _tables(table, MARKDOWN), strict=True):
            parts += [markdown_table(cells, len(_names(cells))), text]
        if "missing" in table:
            parts.append(f"Left out: {table['missing'].iloc[0]}.")
        temporary.write_text("\n\n".join(parts) + "\n")
    with replacing(latex) as temporary:
        temporary.write_text(
            "\n".join(
                latex_table(cells, _names(cells), text, f"tab:{title.lower()}-{kind}")
                for kind, text, cells in zip(
                    ("means", "differences"), about, _tables(table, LATEX), strict=True
                )
            )
        )


def _tables(table: pd.DataFrame, style: TextStyle) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means and differences as texts; a column each metric that is known."""
    means, differences = table[["variant"]].copy(), table[["variant", "compared_with"]].copy()
    differences = differences.dropna()
    for metric in MAIN_METRICS:
        if metric.name not in table:
            continue
        numbers = table[[f"{metric.name}{end}" for end in MEAN]].to_numpy().tolist()
        means[metric.heading] = [
            mean_cell(row, metric, style, bold=best)
            for row, best in zip(numbers, are_best(table[metric.name], metric), strict=True)
        ]
        columns = [f"{metric.name}{end}" for end in DIFFERENCE]
        if columns[0] in table:
            differences[metric.heading] = [
                difference_cell(row, metric, style)
                for row in table.loc[differences.index, columns].to_numpy().tolist()
            ]
    return means.rename(columns=_HEADS), differences.rename(columns=_HEADS)


def _names(cells: pd.DataFrame) -> list[str]:
    """The columns that are no numbers."""
    return [name for name in _HEADS.values() if name in cells]


def _about(table: pd.DataFrame, dataset: str, config: str) -> tuple[str, str]:
    """What stands below each of both tables."""
    n, frames, over = table[["n_sequences", "n_frames", "interval_over"]].iloc[0]
    sequences = "sequence" if n == 1 else "sequences"
    data = f"{made_by(dataset, config)}, {n} {sequences}, {frames} frames"
    means = (
        f"{data}: mean over sequences ± half the width of its 95 % interval (bootstrap over "
        f"{over}); the best of each metric is bold."
    )
    differences = (
        f"{data}: difference to the row that the variant is compared with, on the same frames, and "
        f"its 95 % interval (bootstrap over {over}); bold where that does not hold 0."
    )
    if not any(metric.name in table for metric in MAIN_METRICS if not metric.instead_of):
        means += (
            " No truth is known: the metrics say whether poses are plausible, not whether right."
        )
    return means, differences
