"""Writing the file of a flow stage: one field a frame pair, as they are computed."""

import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped
from numcodecs.fletcher32 import Fletcher32
from numcodecs.shuffle import Shuffle

from flowpose.errors import check
from flowpose.runtime.streams import worked_behind
from flowpose.storage import stage_files
from flowpose.storage.provenance import Provenance

# Flow is stored as whole multiples of this many px, if it fits 16 bits; exact to half of it.
_UNIT = 1 / 128
_INT16_MAX = np.iinfo(np.int16).max


def write_flows(
    path: Path | str,
    flows: Iterable[Float[np.ndarray, "H W 2"]],
    shape: tuple[int, int, int],
    provenance: Provenance,
    *,
    lossless: bool,
    precision: str,
    device: str,
    loss: Float[np.ndarray, "passes {shape[0]}"] | None = None,
) -> None:
    """Write flow_k.h5.

    Args:
        flows: one field a frame pair, px.
        shape: how many fields, and their height and width.
        lossless: keep float32; by default each field is rounded to multiples of 1/128 px, or of a
            power of two times that where it is larger than 255 px.
        precision: in which RAFT has computed them, `exact` or `fast`.
        device: on which.
        loss: of each pair in each pass of the finetuning, px.

    Raises:
        InputError: a field has values that are not finite.
    """
    with stage_files.create(path, provenance) as h5:
        dataset = stage_files.add_stream(
            h5,
            "flow",
            (*shape, 2),
            "float32" if lossless else "int16",
            axes="pair row column xy",
            unit="flow_unit px",
        )
        units = np.ones(shape[0])

        def packed(pair: tuple[int, Float[np.ndarray, "H W 2"]]) -> bytes:
            t, flow = pair
            check(
                bool(np.isfinite(flow).all()),
                path,
                f"the flow of pair {t} is not finite",
                "the finetuning diverged: lower flow.learning_rate",
            )
            if not lossless:
                units[t] = _unit(flow)
                flow = np.rint(flow / units[t])
            return _chunk(np.ascontiguousarray(flow, dataset.dtype))

        numbered = zip(range(shape[0]), flows, strict=True)
        # A field takes longer to compress than a GPU takes to compute it.
        for t, chunk in enumerate(worked_behind(packed, numbered, provenance.threads)):
            dataset.id.write_direct_chunk((t, 0, 0, 0), chunk)
        stage_files.add(h5, "flow_unit", units, axes="pair", unit="px")
        stage_files.set_text(h5, "precision", precision)
        stage_files.set_text(h5, "device", device)
        if loss is not None:
            stage_files.add(h5, "loss", loss, axes="pass pair", unit="px")


def _chunk(values: Shaped[np.ndarray, "..."]) -> bytes:
    """A contiguous array as HDF5's filters would have it, which compress one at a time only."""
    compressed = zlib.compress(Shuffle(values.itemsize).encode(values), stage_files.GZIP_LEVEL)
    return bytes(Fletcher32().encode(compressed))


def _unit(flow: Float[np.ndarray, "H W 2"]) -> float:
    """The finest unit in which a field fits 16 bits, px."""
    unit = _UNIT
    while np.abs(flow).max() > unit * _INT16_MAX:
        unit *= 2
    return unit
