"""The file of a flow stage: one field a frame pair, written as they are computed."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Float

from flowpose import files
from flowpose.errors import check
from flowpose.streams import written_behind

# Flow is stored as whole multiples of this many px, if it fits 16 bits; exact to half of it.
_UNIT = 1 / 128
_INT16_MAX = np.iinfo(np.int16).max


def write_flows(
    path: Path | str,
    flows: Iterable[Float[np.ndarray, "H W 2"]],
    shape: tuple[int, int, int],
    provenance: files.Provenance,
    *,
    lossless: bool,
    precision: str,
    loss: Float[np.ndarray, "passes T-1"] | None = None,
    block_radius: int | None = None,
) -> None:
    """Write flow_k.h5.

    Args:
        flows: one field a frame pair, px.
        shape: how many fields, and their height and width.
        lossless: keep float32; by default each field is rounded to multiples of 1/128 px, or of a
            power of two times that where it is larger than 255 px.
        precision: in which RAFT has computed them, `exact` or `fast`.
        loss: of each pair in each pass of the finetuning, px.
        block_radius: of the blocks drawn into the finetuning's target, px.

    Raises:
        InputError: a field has values that are not finite.
    """
    with files.create(path, provenance) as h5:
        dataset = files.add_stream(
            h5,
            "flow",
            (*shape, 2),
            "float32" if lossless else "int16",
            axes="pair row column xy",
            unit="flow_unit px",
        )
        units = np.ones(shape[0])

        def store(t: int, flow: Float[np.ndarray, "H W 2"]) -> None:
            check(
                bool(np.isfinite(flow).all()),
                path,
                f"the flow of pair {t} is not finite",
                "the finetuning diverged: lower flow.learning_rate",
            )
            if not lossless:
                units[t] = _unit(flow)
                flow = np.rint(flow / units[t]).astype(np.int16)
            dataset[t] = flow

        with written_behind() as write:
            for t, flow in zip(range(shape[0]), flows, strict=True):
                write(store, t, flow)
        files.add(h5, "flow_unit", units, axes="pair", unit="px")
        files.set_text(h5, "precision", precision)
        if loss is not None:
            files.add(h5, "loss", loss, axes="pass pair", unit="px")
        if block_radius is not None:
            h5.attrs["block_radius_px"] = block_radius


def _unit(flow: Float[np.ndarray, "H W 2"]) -> float:
    """The finest unit in which a field fits 16 bits, px."""
    unit = _UNIT
    while np.abs(flow).max() > unit * _INT16_MAX:
        unit *= 2
    return unit


class FlowReader:
    """The fields of an open flow_k.h5, px, read one at a time."""

    def __init__(self, h5: h5py.File) -> None:
        self._flow = h5["flow"]
        self._unit = files.read(h5, "flow_unit", (len(self._flow),))

    def __len__(self) -> int:
        return len(self._flow)

    def __getitem__(self, t: int) -> Float[np.ndarray, "H W 2"]:
        with files.damage_named(self._flow.file.filename):
            return self._flow[t].astype(np.float32) * np.float32(self._unit[t])


@contextmanager
def open_flows(path: Path | str) -> Iterator[FlowReader]:
    """The fields of flow_k.h5, to read one at a time."""
    with files.opened(path) as h5:
        yield FlowReader(h5)
