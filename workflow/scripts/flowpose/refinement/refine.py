"""Refining a 3D pose sequence against the optical flow of its video (paper section 3.3)."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from flowpose.errors import check
from flowpose.pose.pose_file import Pose
from flowpose.refinement import gauss_newton
from flowpose.refinement.energy import PoseEnergy, PoseWeights, unpack
from flowpose.runtime.streams import Stream

# Adam's (Kingma and Ba 2015): decay of the means of gradients and their squares, and its epsilon.
_DECAY, _SQUARE_DECAY, _EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class PoseOptions:
    """How the energy is minimised. The defaults of `steps` and what follows are the paper's.

    Attributes:
        solver: Gauss-Newton until no step lowers the energy noticeably, or Adam until the loss,
            rounded, stops changing.
        steps: of Adam, at most so many.
        learning_rate: of Adam, of joints (m) and cameras alike.
        stop_decimals: decimals to which two losses of Adam are compared.
        stop_patience: Adam ends after so many equal losses in a row; 0: never.
    """

    weights: PoseWeights = field(default_factory=PoseWeights)
    solver: Literal["gauss_newton", "adam"] = "gauss_newton"
    steps: int = 1500
    learning_rate: float = 1e-3
    stop_decimals: int = 4
    stop_patience: int = 10


@dataclass(frozen=True)
class RefinedPose:
    """A refined pose and how it came about.

    Attributes:
        loss: the energy before each step, and for Gauss-Newton after the last.
        stop: why the minimisation ended: `converged`, or all `steps` done.
    """

    pose: Pose
    loss: Float[np.ndarray, "steps"]
    stop: Literal["converged", "steps"]


def refine_pose(
    initial: Pose,
    keypoints: Float[np.ndarray, "T 14 2"],
    keypoint_weights: Float[np.ndarray, "T 14"],
    flow: Stream[Float[np.ndarray, "H W 2"]],
    *,
    options: PoseOptions,
    reference: bool = False,
    progress: Callable[[Iterable], Iterable] = iter,
) -> RefinedPose:
    """Minimise the energy over joints and cameras of all frames at once, from an estimate.

    Args:
        initial: the estimate; also the prior that the result may not leave far.
        keypoints: 2D detections, px.
        keypoint_weights: 0 where there is no detection, else 1.
        flow: flow from each frame to the next, px. A field is read once, or again where a joint
            leaves what was kept of it.
        options: weights of the energy, and how it is minimised.
        reference: use Adam, look flow up as the reference does, and compute in its precision.
        progress: wraps the steps to show progress.

    Returns:
        The pose after the last step, with the same crops.

    Raises:
        InputError: the energy is not finite, or, in reference mode, a joint is where the
            reference's lookup of the flow fails.
    """
    adam = reference or options.solver == "adam"
    energy = PoseEnergy(
        initial,
        keypoints,
        keypoint_weights,
        flow,
        weights=options.weights,
        reference=reference,
        dtype=np.float32 if adam else np.float64,
    )
    if adam:
        variables, loss, stop = _minimise_by_adam(energy, options, progress)
    else:
        _check_finite(energy.value(energy.state(energy.start)), 0)
        minimum = gauss_newton.minimise(energy, progress=progress)
        variables, loss, stop = minimum.variables, minimum.energy, minimum.stop
    joints, camera = unpack(variables.astype(np.float32))
    return RefinedPose(replace(initial, joints_3d=joints, camera=camera), loss, stop)


def _minimise_by_adam(
    energy: PoseEnergy, options: PoseOptions, progress: Callable[[Iterable], Iterable]
) -> tuple[Float[np.ndarray, "T 45"], Float[np.ndarray, "steps"], Literal["converged", "steps"]]:
    """The last variables, the energy before each step, and why it ended; flow as a constant."""
    variables = energy.start.copy()
    mean, square = np.zeros_like(variables), np.zeros_like(variables)
    losses: list[float] = []
    equal, previous = 0, ""
    for step in progress(range(1, options.steps + 1)):
        state = energy.state(variables)
        losses.append(energy.value(state))
        _check_finite(losses[-1], step)
        gradient = energy.gradient(state)
        mean += (1 - _DECAY) * (gradient - mean)
        square += (1 - _SQUARE_DECAY) * (gradient * gradient - square)
        scale = options.learning_rate / (1 - _DECAY**step)
        root = np.sqrt(square) / math.sqrt(1 - _SQUARE_DECAY**step)
        variables = variables - scale * mean / (root + _EPSILON)
        rounded = f"{losses[-1]:.{options.stop_decimals}f}"
        equal, previous = (equal + 1 if rounded == previous else 0), rounded
        if options.stop_patience and equal == options.stop_patience:
            return variables, np.array(losses), "converged"
    return variables, np.array(losses), "steps"


def _check_finite(loss: float, step: int) -> None:
    check(
        math.isfinite(loss),
        "pose",
        f"the energy is not finite at step {step}",
        "lower pose.learning_rate or the weights of pose.weights",
    )
