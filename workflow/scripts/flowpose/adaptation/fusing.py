"""A flow that a pose corrects without any training: what finetuning is toward, taken as it is."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float

from flowpose.adaptation.target import draw_skeleton
from flowpose.runtime.streams import Stream


def fused_flows(
    flows: Stream[Float[np.ndarray, "H W 2"]],
    joints: Float[np.ndarray, "T 14 2"],
    *,
    radius: int,
) -> Iterator[Float[np.ndarray, "H W 2"]]:
    """Flows with a pose's motion drawn over them: the targets of a finetuning (paper section 3.2).

    Args:
        flows: from each frame to the next, px.
        joints: METRO_14 joints of the pose, px.
        radius: of the blocks drawn along the skeleton, px.
    """
    for t in range(len(flows)):
        flow = torch.from_numpy(flows[t])
        height, width = flow.shape[:2]
        drawing = draw_skeleton(joints[t], joints[t + 1], (height, width), radius=radius)
        yield drawing.over(flow).numpy()
