"""RAFT run and finetuned in the manner of the reference: what we compare with.

Every update's flow is upsampled, all is float32, every lookup's gradient fills a volume, Adam is
not fused, and each pair starts from its two frames.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss
from torchvision.models.optical_flow import RAFT

UPDATES = 20


def finetune_step_by_step(model: RAFT, frames: np.ndarray, targets: np.ndarray) -> list[float]:
    """The loss before each step, one a pair."""
    adam = torch.optim.Adam(model.parameters(), lr=1e-5, foreach=False)
    losses = []
    for t in range(len(frames) - 1):
        adam.zero_grad()
        flow = flow_of_pair(model, frames, t)
        target = torch.tensor(targets[t], device=flow.device)
        loss = smooth_l1_loss(flow[0].permute(1, 2, 0), target)
        loss.backward()
        adam.step()
        losses.append(loss.item())
    return losses


def flows_pair_by_pair(model: RAFT, frames: np.ndarray) -> list[np.ndarray]:
    with torch.no_grad():
        return [flow_of_pair(model, frames, t).cpu().numpy() for t in range(len(frames) - 1)]


def flow_of_pair(model: RAFT, frames: np.ndarray, t: int) -> Tensor:
    """The last update's flow; sides must be multiples of 8."""
    device = next(model.parameters()).device
    pair = torch.tensor(frames[t : t + 2], device=device).permute(0, 3, 1, 2).float()
    return flow_between(model, 2 * (pair / 255) - 1)


def flow_between(model: RAFT, images: Tensor) -> Tensor:
    return model(images[:1], images[1:], num_flow_updates=UPDATES)[-1]
