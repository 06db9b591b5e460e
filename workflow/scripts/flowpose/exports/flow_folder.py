"""Folders of flow fields: a file a pair of frames."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from flowpose.flow.field_file import FlowReader
from flowpose.storage.whole_files import replacing_folder


def write_flow_folder(
    path: Path | str,
    flows: FlowReader,
    index: Int[np.ndarray, "T"],
    suffix: str,
    encode: Callable[[Float[np.ndarray, "H W 2"]], bytes],
    progress: Callable[[Iterable], Iterable] = iter,
) -> None:
    """Write all fields, one at a time, as `<frame>_<frame>` and the suffix.

    Args:
        flows: from each frame that is used to the next, px of the frames.
        index: of these frames in the video, which name the files.
        suffix: of the files' names.
        encode: makes the content of a file.
    """
    with replacing_folder(path) as temporary:
        for t in progress(range(len(flows))):
            name = f"{index[t]:06}_{index[t + 1]:06}{suffix}"
            (temporary / name).write_bytes(encode(flows[t]))
