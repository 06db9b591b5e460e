"""A flow that a pose corrects without any training: what finetuning is toward, taken as it is."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Float

from flowpose.adaptation.target import Drawing
from flowpose.runtime.streams import Stream


def fused_flows(
    flows: Stream[Float[np.ndarray, "H W 2"]], drawing: Callable[[int], Drawing]
) -> Iterator[Float[np.ndarray, "H W 2"]]:
    """Flows with a pose's motion drawn over them: the targets of a finetuning (paper section 3.2).

    Args:
        flows: from each frame to the next, px.
        drawing: of a pair, see `flowpose.adaptation.target`.
    """
    for t in range(len(flows)):
        yield drawing(t).over(torch.from_numpy(flows[t])).numpy()
