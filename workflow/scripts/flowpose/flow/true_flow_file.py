"""The file of a sequence's true flow, read one pair of frames at a time."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Bool, Float

from flowpose.storage import stage_files
from flowpose.storage.provenance import Provenance
from flowpose.storage.whole_files import damage_named


@dataclass(frozen=True)
class TrueField:
    """Where every pixel of a frame is in the next one.

    Attributes:
        flow: px of the frames; NaN where it is not known.
        person: whether a pixel is of the person; None: not known.
    """

    flow: Float[np.ndarray, "H W 2"]
    person: Bool[np.ndarray, "H W"] | None


def write_true_flow(
    path: Path | str,
    fields: Iterable[TrueField],
    shape: tuple[int, int, int],
    provenance: Provenance,
    *,
    with_person: bool,
) -> None:
    """Write true_flow.h5.

    Args:
        fields: one a pair of frames.
        shape: how many fields, and their height and width.
        with_person: whether they say where the person is.
    """
    with stage_files.create(path, provenance) as h5:
        axes = "pair row column"
        datasets = [
            stage_files.add_stream(h5, "flow", (*shape, 2), "float32", axes=f"{axes} xy", unit="px")
        ]
        if with_person:
            datasets.append(stage_files.add_stream(h5, "person", shape, "bool", axes=axes))
        for t, field in zip(range(shape[0]), fields, strict=True):
            for dataset, values in zip(datasets, (field.flow, field.person), strict=False):
                dataset[t] = values


class TrueFlowReader:
    """The fields of an open true_flow.h5, read one at a time."""

    def __init__(self, h5: h5py.File) -> None:
        self._flow, self._person = h5["flow"], h5.get("person")

    def __len__(self) -> int:
        return len(self._flow)

    def __getitem__(self, t: int) -> TrueField:
        with damage_named(self._flow.file.filename):
            return TrueField(self._flow[t], None if self._person is None else self._person[t])


@contextmanager
def open_true_flow(path: Path | str) -> Iterator[TrueFlowReader]:
    """The fields of true_flow.h5, to read one at a time."""
    with stage_files.opened(path) as h5:
        yield TrueFlowReader(h5)
