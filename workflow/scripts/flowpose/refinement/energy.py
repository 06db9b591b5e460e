"""The energy of a pose sequence: how far it is from an estimate, from detections and from flow."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy.typing import DTypeLike

from flowpose.errors import InputError, check
from flowpose.flow.patches import FlowPatches
from flowpose.flow.sampling import flow_slope, sample_flow, sample_flow_reference
from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import LENGTH_BONES
from flowpose.pose.weak_perspective import WeakPerspective
from flowpose.runtime.streams import Stream

# torch's PairwiseDistance adds this to every component of the difference.
_DISTANCE_EPS = 1e-6
# Below any length, in case a bone is exactly as long as to cancel it.
TINY = 1e-12
# Variables of a frame: 14 joints, then s, tx, ty of the camera.
N_JOINTS = 14 * 3
N_VARIABLES = N_JOINTS + 3

# (15, 14): 1 where a bone starts, -1 where it ends.
ENDS = np.subtract(*np.eye(14)[np.array(LENGTH_BONES).T])
# Joints times this are the bones: faster than picking their ends.
_TO_BONES = np.kron(ENDS.T, np.eye(3))


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
class State:
    """Variables and what follows from them.

    Attributes:
        variables: joints and camera of each frame.
        pixels: the joints in the image.
        bones: each of LENGTH_BONES as a vector, m.
        lengths: of the bones, m.
        residuals: for each term of the energy what it penalises; its first axis are frames, for
            terms between frames all but the first.
        inside: 1 for joints on the image, 0 for others, whose flow does not count.
    """

    variables: Float[np.ndarray, "T 45"]
    pixels: Float[np.ndarray, "T 14 2"]
    bones: Float[np.ndarray, "T 15 3"]
    lengths: Float[np.ndarray, "T 15"]
    residuals: dict[str, Float[np.ndarray, "_ ..."]]
    inside: Float[np.ndarray, "T-1 14 1"]

    def __len__(self) -> int:
        """How many frames."""
        return len(self.variables)


def pack(pose: Pose, dtype: DTypeLike) -> Float[np.ndarray, "T 45"]:
    """A pose's joints and camera as the variables of the energy."""
    joints = pose.joints_3d.reshape(-1, N_JOINTS)
    return np.concatenate([joints, pose.camera], axis=1, dtype=dtype)


def unpack(
    variables: Float[np.ndarray, "T 45"],
) -> tuple[Float[np.ndarray, "T 14 3"], Float[np.ndarray, "T 3"]]:
    """Views of the joints and the camera in the variables."""
    return variables[:, :N_JOINTS].reshape(-1, 14, 3), variables[:, N_JOINTS:]


def bone_vectors(joints: Float[np.ndarray, "T 14 3"]) -> Float[np.ndarray, "T 15 3"]:
    """Each of LENGTH_BONES, m, off by the reference's epsilon."""
    flat = joints.reshape(-1, N_JOINTS) @ _TO_BONES.astype(joints.dtype)
    return flat.reshape(-1, len(LENGTH_BONES), 3) + joints.dtype.type(_DISTANCE_EPS)


def bone_lengths(joints: Float[np.ndarray, "T 14 3"]) -> Float[np.ndarray, "T 15"]:
    """Length of each of LENGTH_BONES, m."""
    return _norm(bone_vectors(joints))


@dataclass(frozen=True)
class Minimum:
    """Where a minimisation ended.

    Attributes:
        variables: joints and camera of each frame.
        energy: at the start and after each step; of Adam, before each step.
        stop: `converged`, or all `steps` done.
    """

    variables: Float[np.ndarray, "T 45"]
    energy: Float[np.ndarray, "n"]
    stop: Literal["converged", "steps"]


class PoseEnergy:
    """The energy of docs/reference.md, 5: terms a frame, unweighted, and their weighted mean.

    With h the smooth L1 function summed over components, p the projection of the joints X by the
    camera c, b the bone lengths, F the flow at p and w the keypoints' weights, frame t has

        keypoints h(w p_t - w k_t)    prior h(X_t - X0_t)        temporal h(X_t - X_{t-1})
        camera h(c_t - c_{t-1})       bones h(b_t - b_{t-1})     flow h(p_t - p_{t-1} - F_{t-1}).

    Attributes:
        start: the estimate's variables.
        weights: of the terms.
        keypoint_weights: of the detections.
        px_per_unit: see WeakPerspective.
    """

    def __init__(
        self,
        initial: Pose,
        keypoints: Float[np.ndarray, "T 14 2"],
        keypoint_weights: Float[np.ndarray, "T 14"],
        flow: Stream[Float[np.ndarray, "H W 2"]],
        *,
        weights: PoseWeights,
        reference: bool = False,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.weights = weights
        self.start = pack(initial, dtype)
        self._project = WeakPerspective(initial.crop, dtype)
        self.px_per_unit = self._project.px_per_unit
        # The reference keeps 2D detections in float64, everything else in float32.
        precision = np.float64 if reference else dtype
        self.keypoint_weights = keypoint_weights.astype(precision)[..., None]
        self._keypoints = self.keypoint_weights * np.nan_to_num(keypoints).astype(precision)
        self._flow = FlowPatches(flow, initial.project()[:-1])
        self._reference = reference

    def state(self, variables: Float[np.ndarray, "T 45"]) -> State:
        """What the energy and its derivatives are made of."""
        joints, camera = unpack(variables)
        pixels = self._project(joints, camera)
        bones = bone_vectors(joints)
        lengths = _norm(bones)
        flow, inside = self._flow_at(pixels[:-1])
        residuals = {
            "keypoints": self.keypoint_weights * pixels - self._keypoints,
            "prior": variables[:, :N_JOINTS] - self.start[:, :N_JOINTS],
            "temporal": np.diff(variables[:, :N_JOINTS], axis=0),
            "camera": np.diff(camera, axis=0),
            "bones": np.diff(lengths, axis=0),
            "flow": (np.diff(pixels, axis=0) - flow) * inside,
        }
        return State(variables, pixels, bones, lengths, residuals, inside)

    def terms(self, state: State) -> dict[str, Float[np.ndarray, "_"]]:
        """Unweighted terms; those between frames have T - 1 values."""
        return {
            name: _smooth_l1(residual).reshape(len(residual), -1).sum(1)
            for name, residual in state.residuals.items()
        }

    def value(self, state: State) -> float:
        """The weighted sum of the terms, averaged over the T frames."""
        total = sum(
            getattr(self.weights, name) * float(_smooth_l1(residual).sum())
            for name, residual in state.residuals.items()
        )
        return total / len(state)

    def gradient(
        self, state: State, slope: Float[np.ndarray, "{len(state)-1} 14 2 2"] | None = None
    ) -> Float[np.ndarray, "{len(state)} 45"]:
        """The derivative of the energy by each variable.

        Args:
            slope: that of the flow; without it the flow counts as a constant, as in the reference.
        """
        force = {
            name: getattr(self.weights, name) * np.clip(residual, -1, 1)
            for name, residual in state.residuals.items()
        }
        gradient = np.zeros_like(state.variables)
        joints, camera = unpack(gradient)
        joints += force["prior"].reshape(joints.shape)
        _add_difference(joints, force["temporal"].reshape(-1, 14, 3))
        _add_difference(camera, force["camera"])

        on_pixels = (self.keypoint_weights * force["keypoints"]).astype(gradient.dtype)
        _add_difference(on_pixels, force["flow"])
        if slope is not None:
            on_pixels[:-1] -= np.einsum("tjab,tja->tjb", slope, force["flow"])
        self._add_projected(gradient, state, on_pixels)

        on_lengths = np.zeros_like(state.lengths)
        _add_difference(on_lengths, force["bones"])
        on_bones = state.bones * (on_lengths / np.maximum(state.lengths, TINY))[..., None]
        gradient[:, :N_JOINTS] += on_bones.reshape(len(on_bones), -1) @ _TO_BONES.T.astype(
            gradient.dtype
        )
        return gradient / len(gradient)

    def slope(self, state: State) -> Float[np.ndarray, "{len(state)-1} 14 2 2"]:
        """How the flow that each joint is compared with changes as the joint moves."""
        return flow_slope(self._flow, state.pixels[:-1])

    def _add_projected(
        self,
        gradient: Float[np.ndarray, "T 45"],
        state: State,
        on_pixels: Float[np.ndarray, "T 14 2"],
    ) -> None:
        """Add what a derivative by the pixels means for the joints and the camera."""
        joints, camera = unpack(state.variables)
        by_joints, by_camera = unpack(gradient)
        on_unit = self.px_per_unit * on_pixels
        on_shifted = camera[:, None, :1] * on_unit
        by_joints[..., :2] += on_shifted
        by_camera[:, 1:] += np.einsum("tja->ta", on_shifted)
        shifted = joints[..., :2] + camera[:, None, 1:]
        by_camera[:, 0] += np.einsum("tja,tja->t", on_unit, shifted)

    def _flow_at(
        self, points: Float[np.ndarray, "pairs 14 2"]
    ) -> tuple[Float[np.ndarray, "pairs 14 2"], Float[np.ndarray, "pairs 14 1"]]:
        """Flow at joints, and 1 where it counts: outside reference mode, on the image."""
        dtype = points.dtype
        if not self._reference:
            flow, inside = sample_flow(self._flow, points)
            return flow, inside[..., None].astype(dtype)
        try:
            flow = sample_flow_reference(self._flow, points).astype(dtype)
        except IndexError as error:
            raise InputError(
                "pose: a joint is too far off the image for the reference's lookup of the "
                "flow (use mode: default)"
            ) from error
        return flow, np.ones((*points.shape[:2], 1), dtype)


def _smooth_l1(residual: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    clipped = np.clip(residual, -1, 1)
    return clipped * (residual - clipped / 2)


def _norm(vectors: Float[np.ndarray, "T n 3"]) -> Float[np.ndarray, "T n"]:
    """Lengths of vectors, the squares added without rounding them first, as PyTorch does.

    Differences of lengths between frames are small, and show the last digit of a length.
    """
    x, y, z = np.moveaxis(vectors, -1, 0)
    total = x * x
    for component in (y, z):
        total = (component.astype(np.float64) ** 2 + total).astype(vectors.dtype)
    return np.sqrt(total)


def _add_difference(total: Float[np.ndarray, "T *n"], force: Float[np.ndarray, "T-1 *n"]) -> None:
    """Add what a derivative by differences between frames means for the frames."""
    total[1:] += force
    total[:-1] -= force


def check_finite(energy: float, step: int) -> None:
    """Refuse to go on from an energy that is not finite.

    Raises:
        InputError: it is not.
    """
    check(
        math.isfinite(energy),
        "pose",
        f"the energy is not finite at step {step}",
        "lower pose.learning_rate or the weights of pose.weights",
    )
