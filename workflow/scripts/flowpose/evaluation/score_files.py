"""How the files of scores keep the values of a metric: an array, and a mask of what counts."""

from collections.abc import Iterable, Sequence

import h5py

from flowpose.evaluation.metric import Metric, Scores
from flowpose.storage import stage_files


def add_scores(
    group: h5py.Group, name: str, scores: Scores, joints: Sequence[str], *, axes: tuple[str, str]
) -> None:
    """Store the scores of a metric under its name; `joints` name what the second axis has.

    Where a frame has one value there is only the first of the axes.
    """
    n = scores.values.ndim
    named, joints = " ".join(axes[:n]), joints if n > 1 else ()
    stage_files.add(group, name, scores.values, axes=named, unit=scores.unit, joints=joints)
    stage_files.add(group, f"valid_{name}", scores.valid, axes=named, joints=joints)


def read_scores(group: h5py.Group, metrics: Iterable[Metric]) -> dict[str, Scores]:
    """The stored scores of metrics, by name."""
    return {
        metric.name: Scores(
            stage_files.read(group, metric.name),
            stage_files.read(group, f"valid_{metric.name}"),
            stage_files.text(group[metric.name], "unit"),
        )
        for metric in metrics
    }
