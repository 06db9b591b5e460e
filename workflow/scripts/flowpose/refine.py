"""Refining a 3D pose sequence against the optical flow of its video (paper section 3.3)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from flowpose.camera import WeakPerspective, as_float
from flowpose.errors import InputError, check
from flowpose.pose import Pose
from flowpose.sampling import sample_flow, sample_flow_reference
from flowpose.skeletons import LENGTH_BONES

# torch's PairwiseDistance adds this to every component of the difference.
_DISTANCE_EPS = 1e-6


@dataclass(frozen=True)
class PoseWeights:
    """Weights of the terms of the energy. The defaults are the paper's."""

    prior: float = 400.0
    temporal: float = 300.0
    bones: float = 10000.0
    camera: float = 0.1
    keypoints: float = 0.01
    flow: float = 0.01


@dataclass(frozen=True)
class PoseOptions:
    """How the energy is minimised: Adam, until the loss, rounded, stops changing.

    Attributes:
        steps: at most so many.
        learning_rate: of joints (m) and cameras alike.
        stop_decimals: decimals to which two losses are compared.
        stop_patience: the minimisation ends after so many equal losses in a row; 0: never.
    """

    weights: PoseWeights = field(default_factory=PoseWeights)
    steps: int = 1500
    learning_rate: float = 1e-3
    stop_decimals: int = 4
    stop_patience: int = 10


@dataclass(frozen=True)
class RefinedPose:
    """A refined pose, and the energy before each step."""

    pose: Pose
    loss: Float[np.ndarray, "steps"]


def bone_lengths(joints: Float[Tensor, "T 14 3"]) -> Float[Tensor, "T 15"]:
    """Length of each of LENGTH_BONES, m."""
    start, end = torch.tensor(LENGTH_BONES, device=joints.device).unbind(1)
    return torch.linalg.vector_norm(joints[:, start] - joints[:, end] + _DISTANCE_EPS, dim=-1)


class PoseEnergy:
    """The energy of docs/reference.md, 5: terms a frame, unweighted, and their weighted mean.

    With h the smooth L1 function summed over components, p the projection of the joints X by the
    camera c, b the bone lengths, F the flow at p and w the keypoints' weights, frame t has

        keypoints h(w k_t - w p_t)    prior h(X_t - X0_t)        temporal h(X_t - X_{t-1})
        camera h(c_t - c_{t-1})       bones h(b_t - b_{t-1})     flow h(F_{t-1} - (p_t - p_{t-1})).

    F is looked up anew at every evaluation, as a constant: no gradient flows through it.
    """

    def __init__(
        self,
        initial: Pose,
        keypoints: Float[np.ndarray, "T 14 2"],
        keypoint_weights: Float[np.ndarray, "T 14"],
        flow: Float[Tensor, "T-1 H W 2"],
        *,
        weights: PoseWeights,
        reference: bool = False,
    ) -> None:
        # The reference keeps 2D detections in float64, everything else in float32.
        precision = torch.float64 if reference else torch.float32
        device = flow.device
        self._prior = as_float(initial.joints_3d).to(device)
        self._project = WeakPerspective(initial.crop, device)
        self._keypoint_weights = torch.as_tensor(keypoint_weights, dtype=precision, device=device)[
            ..., None
        ]
        self._keypoints = self._keypoint_weights * torch.nan_to_num(
            torch.as_tensor(keypoints, dtype=precision, device=device)
        )
        self._flow = flow
        self._weights = weights
        self._reference = reference

    def _flow_at(self, points: Tensor) -> tuple[Tensor, Tensor | None]:
        """Flow at joints as a constant, and, outside reference mode, which joints have one."""
        with torch.no_grad():
            if not self._reference:
                return sample_flow(self._flow, points)
            try:
                return sample_flow_reference(self._flow, points).float(), None
            except IndexError as error:
                raise InputError(
                    "pose: a joint is too far off the image for the reference's lookup of the "
                    "flow (use mode: default)"
                ) from error

    def _differences(self, joints: Tensor, camera: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        """For each term the two quantities whose difference it penalises."""
        pixels = self._project(joints, camera)
        motion = pixels[1:] - pixels[:-1]
        flow, inside = self._flow_at(pixels[:-1])
        if inside is not None:
            motion = motion * inside[..., None]
            flow = flow * inside[..., None]
        lengths = bone_lengths(joints)
        return {
            "keypoints": (self._keypoints, self._keypoint_weights * pixels),
            "prior": (joints, self._prior),
            "temporal": (joints[1:], joints[:-1]),
            "camera": (camera[1:], camera[:-1]),
            "bones": (lengths[1:], lengths[:-1]),
            "flow": (flow, motion),
        }

    def terms(
        self, joints: Float[Tensor, "T 14 3"], camera: Float[Tensor, "T 3"]
    ) -> dict[str, Float[Tensor, "frames"]]:
        """Unweighted terms; those between frames have T - 1 values."""
        return {
            name: smooth_l1_loss(*pair, reduction="none").flatten(1).sum(1)
            for name, pair in self._differences(joints, camera).items()
        }

    def __call__(
        self, joints: Float[Tensor, "T 14 3"], camera: Float[Tensor, "T 3"]
    ) -> Float[Tensor, ""]:
        """The weighted sum of the terms, averaged over the T frames."""
        total = sum(
            getattr(self._weights, name) * smooth_l1_loss(*pair, reduction="sum").float()
            for name, pair in self._differences(joints, camera).items()
        )
        return total / len(joints)


def refine_pose(
    initial: Pose,
    keypoints: Float[np.ndarray, "T 14 2"],
    keypoint_weights: Float[np.ndarray, "T 14"],
    flow: Float[Tensor, "T-1 H W 2"],
    *,
    options: PoseOptions,
    reference: bool = False,
    progress: Iterable[int] | None = None,
) -> RefinedPose:
    """Minimise the energy over joints and cameras of all frames at once, from an estimate.

    Args:
        initial: the estimate; also the prior that the result may not leave far.
        keypoints: 2D detections, px.
        keypoint_weights: 0 where there is no detection, else 1.
        flow: flow from each frame to the next, px; its device is the one computed on.
        options: weights of the energy and limits of the minimisation.
        reference: look flow up as the reference does, and compute its term in its precision.
        progress: an iterator over `range(options.steps)` that shows progress.

    Returns:
        The pose after the last step, with the same crop.

    Raises:
        InputError: the energy is not finite, or, in reference mode, a joint is where the
            reference's lookup of the flow fails.
    """
    energy = PoseEnergy(
        initial,
        keypoints,
        keypoint_weights,
        flow,
        weights=options.weights,
        reference=reference,
    )
    joints = as_float(initial.joints_3d).to(flow.device, copy=True).requires_grad_()
    camera = as_float(initial.camera).to(flow.device, copy=True).requires_grad_()
    adam = torch.optim.Adam([joints, camera], lr=options.learning_rate, fused=True)
    losses: list[float] = []
    equal, previous = 0, ""
    for _ in progress if progress is not None else range(options.steps):
        adam.zero_grad()
        loss = energy(joints, camera)
        loss.backward()
        adam.step()
        losses.append(loss.item())
        check(
            math.isfinite(losses[-1]),
            "pose",
            f"the energy is not finite at step {len(losses)}",
            "lower pose.learning_rate or the weights of pose.weights",
        )
        rounded = f"{losses[-1]:.{options.stop_decimals}f}"
        equal, previous = (equal + 1 if rounded == previous else 0), rounded
        if options.stop_patience and equal == options.stop_patience:
            break
    refined = Pose(joints.detach().cpu().numpy(), camera.detach().cpu().numpy(), initial.crop)
    return RefinedPose(refined, np.array(losses))
