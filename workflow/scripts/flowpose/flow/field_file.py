"""The file of a flow stage, read one field at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Float

from flowpose.storage import stage_files
from flowpose.storage.whole_files import damage_named


class FlowReader:
    """The fields of an open flow_k.h5, px, read one at a time.

    Attributes:
        precision: in which RAFT has computed them.
        device: on which.
    """

    def __init__(self, h5: h5py.File) -> None:
        self.precision = stage_files.text(h5, "precision")
        self.device = stage_files.text(h5, "device")
        self._flow = h5["flow"]
        self._unit = stage_files.read(h5, "flow_unit", (len(self._flow),))

    def __len__(self) -> int:
        return len(self._flow)

    def __getitem__(self, t: int) -> Float[np.ndarray, "H W 2"]:
        with damage_named(self._flow.file.filename):
            return self._flow[t].astype(np.float32) * np.float32(self._unit[t])


@contextmanager
def open_flows(path: Path | str) -> Iterator[FlowReader]:
    """The fields of flow_k.h5, to read one at a time."""
    with stage_files.opened(path) as h5:
        yield FlowReader(h5)
