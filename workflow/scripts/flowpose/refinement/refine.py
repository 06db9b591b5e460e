"""Refining a 3D pose sequence against the optical flow of its video (paper section 3.3)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from flowpose.pose.pose_file import Pose
from flowpose.pose.repairs import Repairs
from flowpose.refinement import adam, gauss_newton
from flowpose.refinement.energy import PoseEnergy, PoseWeights, check_finite
from flowpose.refinement.measures import Measures
from flowpose.refinement.variables import unpack
from flowpose.runtime.streams import Stream

# The prior's residuals where the pose is interpolated or was repaired: an estimator that takes left
# for right errs in more than the sides. It is as if its errors were three times as large.
_DOUBTFUL = 0.3


@dataclass(frozen=True)
class PoseOptions:
    """What the energy is, and how it is minimised. All defaults but the solver are the paper's.

    Attributes:
        weights: of its terms.
        measures: what its residuals are measured in.
        solver: Gauss-Newton until no step lowers the energy noticeably, or Adam until the loss,
            rounded, stops changing.
        steps: of Adam, at most so many.
        learning_rate: of Adam, of joints (m) and cameras alike.
        stop_decimals: decimals to which two losses of Adam are compared.
        stop_patience: Adam ends after so many equal losses in a row; 0: never.
    """

    weights: PoseWeights = field(default_factory=PoseWeights)
    measures: Measures = field(default_factory=Measures)
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
    repairs: Repairs | None = None,
    reference: bool = False,
    progress: Callable[[Iterable], Iterable] = iter,
) -> RefinedPose:
    """Minimise the energy over joints and cameras of all frames at once, from an estimate.

    Args:
        initial: the estimate; also the prior that the result may not leave far.
        keypoints: 2D detections, px.
        keypoint_weights: 0 where there is no detection, else how far it is trusted, up to 1.
        flow: flow from each frame to the next, px. A field is read once, or again where a joint
            leaves what was kept of it.
        options: weights of the energy, and how it is minimised.
        repairs: what was repaired in the estimate, which is trusted less there, as it is where it
            is interpolated.
        reference: use Adam and the paper's measures, trust all frames alike, look flow up as the
            reference does, and compute in its precision.
        progress: wraps the steps to show progress.

    Returns:
        The pose after the last step, with the same crops.

    Raises:
        InputError: the energy is not finite, or, in reference mode, a joint is where the
            reference's lookup of the flow fails.
    """
    by_adam = reference or options.solver == "adam"
    energy = PoseEnergy(
        initial,
        keypoints,
        keypoint_weights,
        flow,
        weights=options.weights,
        measures=Measures() if reference else options.measures,
        trust=None if reference else _trust(initial, repairs),
        reference=reference,
        dtype=np.float32 if by_adam else np.float64,
    )
    if by_adam:
        minimum = adam.minimise(
            energy,
            steps=options.steps,
            learning_rate=options.learning_rate,
            stop_decimals=options.stop_decimals,
            stop_patience=options.stop_patience,
            progress=progress,
        )
    else:
        check_finite(energy.value(energy.state(energy.start)), 0)
        minimum = gauss_newton.minimise(energy, progress=progress)
    joints, camera = unpack(minimum.variables.astype(np.float32))
    refined = replace(initial, joints_3d=joints, camera=camera)
    return RefinedPose(refined, minimum.energy, minimum.stop)


def _trust(pose: Pose, repairs: Repairs | None) -> Float[np.ndarray, "T 14"]:
    """What the prior's residuals are multiplied by."""
    trust = np.ones(pose.joints_3d.shape[:2])
    trust[list(pose.missing)] = _DOUBTFUL
    if repairs is not None:
        trust[repairs.pose_exchanged.any(1)] = _DOUBTFUL
        trust[repairs.masked] = _DOUBTFUL
    return trust
