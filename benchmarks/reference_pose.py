"""The pose energy computed frame by frame, in the manner of the reference: what we compare with."""

import numpy as np
import torch
from torch import Tensor, nn

from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import LENGTH_BONES
from flowpose.refinement.energy import PoseWeights

CROP = 224


def refine_frame_by_frame(
    initial: Pose, keypoints: np.ndarray, weights: np.ndarray, flow: np.ndarray, steps: int
) -> list[float]:
    """The loss before each of `steps` steps of Adam."""
    joints = torch.tensor(initial.joints_3d, requires_grad=True)
    camera = torch.tensor(initial.camera, requires_grad=True)
    adam = torch.optim.Adam([joints, camera], lr=1e-3)
    losses = []
    for _ in range(steps):
        adam.zero_grad()
        loss = energy(joints, camera, initial, keypoints, weights, flow)
        loss.backward()
        adam.step()
        losses.append(loss.item())
    return losses


def energy(joints, camera, initial: Pose, keypoints, weights, flow) -> Tensor:
    """Mean over frames of each frame's terms, added up one frame after the other."""
    huber = nn.SmoothL1Loss(reduction="sum")
    distance = nn.PairwiseDistance()
    w = PoseWeights()
    total = torch.zeros(())
    before = None
    for t in range(len(joints)):
        pixels = project(joints[t], camera[t], initial.crop, t)
        lengths = torch.stack(
            [distance(joints[t, a][None], joints[t, b][None]) for a, b in LENGTH_BONES]
        )
        weight = torch.tensor(weights[t])[:, None]
        detected = torch.tensor(np.nan_to_num(keypoints[t]))
        total = total + w.keypoints * huber(weight * detected, weight * pixels).float()
        total = total + w.prior * huber(joints[t], torch.tensor(initial.joints_3d[t]))
        if before is not None:
            pixels_before, lengths_before = before
            moved = torch.tensor(lookup(flow[t - 1], pixels_before), dtype=torch.float32)
            total = total + w.camera * huber(camera[t], camera[t - 1])
            total = total + w.temporal * huber(joints[t], joints[t - 1])
            total = total + w.bones * huber(lengths, lengths_before)
            total = total + w.flow * huber(moved, pixels - pixels_before)
        before = pixels, lengths
    return total / len(joints)


def project(joints: Tensor, camera: Tensor, crop, t: int) -> Tensor:
    unit = camera[0] * (joints[:, :2] + camera[1:])
    start = torch.tensor(crop.start[t], dtype=torch.float32)
    return ((unit + 1) * 0.5 * CROP + start - crop.size // 2) * (1 / crop.scale[t])


def lookup(flow: np.ndarray, pixels: Tensor) -> np.ndarray:
    """Bilinear flow at each joint, one joint at a time; 0 off the image."""
    height, width = flow.shape[:2]
    out = np.zeros((len(pixels), 2))
    for joint in range(len(pixels)):
        x, y = pixels[joint, 0].item(), pixels[joint, 1].item()
        if not (0 <= x < width - 1 and 0 <= y < height - 1):
            continue
        column, row = int(x), int(y)
        right, down = x - column, y - row
        top = (1 - right) * flow[row, column] + right * flow[row, column + 1]
        bottom = (1 - right) * flow[row + 1, column] + right * flow[row + 1, column + 1]
        out[joint] = (1 - down) * top + down * bottom
    return out
