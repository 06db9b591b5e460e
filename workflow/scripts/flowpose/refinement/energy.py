"""The energy of a pose sequence: how far it is from an estimate, from detections and from flow."""

import math
from collections.abc import Iterator
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
from flowpose.refinement.measures import Measures
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
        residuals: for each term of the energy what it penalises, scaled (see PoseEnergy); the
            first axis are frames, or pairs or triples of them.
        flow_scale: that of the residuals of flow; 0 for joints off the image.
    """

    variables: Float[np.ndarray, "T 45"]
    pixels: Float[np.ndarray, "T 14 2"]
    bones: Float[np.ndarray, "T 15 3"]
    lengths: Float[np.ndarray, "T 15"]
    residuals: dict[str, Float[np.ndarray, "_ ..."]]
    flow_scale: Float[np.ndarray, "T-1 14 1"]

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
    """The energy of docs/method.md; with `Measures()` and no trust that of docs/reference.md, 5.

    With h the smooth L1 function summed over components, p the projection of the joints X by the
    camera c, b the bone lengths, F the flow at p, and D first or second differences over frames,
    the energy is the sum over all frames, divided by their number, of the weights times

        keypoints h(a (p_t - k_t))     prior h(a (X_t - X0_t))     temporal h(a D X)
        camera h(a D c)     bones h(a (b_t - b_{t-1}))     flow h(a (p_t - p_{t-1} - F_{t-1})).

    The scales a are those of Measures, times what trust is put in a detection or an estimate.

    Attributes:
        start: the estimate's variables.
        weights: that the terms are multiplied by.
        scales: of the residuals of each term, but of flow's before it is known which count.
        stencil: D: what the variables of consecutive frames are multiplied by.
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
        measures: Measures = Measures(),  # noqa: B008 - it is frozen
        trust: Float[np.ndarray, "T 14"] | None = None,
        reference: bool = False,
        dtype: DTypeLike = np.float32,
    ) -> None:
        """Prepare to compute.

        Args:
            initial: the estimate that the prior pulls to.
            keypoints: 2D detections, px.
            keypoint_weights: 0 to 1, what the detections' residuals are multiplied by.
            flow: flow from each frame to the next, px.
            weights: of the terms.
            measures: what residuals are measured in.
            trust: 0 to 1, what the prior's residuals are multiplied by; None: 1.
            reference: look flow up as the reference does, and compute in its precision.
            dtype: of the variables.
        """
        self.start = pack(initial, dtype)
        self._project = WeakPerspective(initial.crop, dtype)
        self.px_per_unit = self._project.px_per_unit
        projected = initial.project()
        n = len(projected)
        scales = measures.scales(vars(weights), projected)
        self.weights = measures.weights(vars(weights))
        # The reference keeps 2D detections in float64, everything else in float32.
        precision = np.float64 if reference else dtype
        scales["keypoints"] = scales["keypoints"] * keypoint_weights[..., None]
        scales["prior"] = scales["prior"] * np.repeat(
            np.ones((n, 14)) if trust is None else trust, 3, axis=1
        )
        self.scales = {
            name: scale.astype(precision if name == "keypoints" else dtype)
            for name, scale in scales.items()
        }
        self.stencil = measures.stencil(n).astype(dtype)
        self._keypoints = self.scales["keypoints"] * np.nan_to_num(keypoints).astype(precision)
        self._flow = FlowPatches(flow, projected[:-1])
        self._reference = reference

    def state(self, variables: Float[np.ndarray, "T 45"]) -> State:
        """What the energy and its derivatives are made of."""
        joints, camera = unpack(variables)
        pixels = self._project(joints, camera)
        bones = bone_vectors(joints)
        lengths = _norm(bones)
        flow, inside = self._flow_at(pixels[:-1])
        flow_scale = self.scales["flow"] * inside
        motion = sum(part * variables[frames] for part, frames in self.stencil_parts(variables))
        residuals = {
            "keypoints": self.scales["keypoints"] * pixels - self._keypoints,
            "prior": self.scales["prior"] * (variables - self.start)[:, :N_JOINTS],
            "temporal": self.scales["temporal"] * motion[:, :N_JOINTS],
            "camera": self.scales["camera"] * motion[:, N_JOINTS:],
            "bones": self.scales["bones"] * np.diff(lengths, axis=0),
            "flow": flow_scale * (np.diff(pixels, axis=0) - flow),
        }
        return State(variables, pixels, bones, lengths, residuals, flow_scale)

    def stencil_parts(
        self, variables: Float[np.ndarray, "T n"]
    ) -> Iterator[tuple[Float[np.ndarray, "_ 1"], slice]]:
        """The columns of `stencil`, last first, and the frames that each is for."""
        n = len(self.stencil)
        for i in reversed(range(self.stencil.shape[1])):
            yield self.stencil[:, i, None], slice(i, i + n)

    def terms(self, state: State) -> dict[str, Float[np.ndarray, "_"]]:
        """Unweighted terms; those between frames have fewer values."""
        return {
            name: _smooth_l1(residual).reshape(len(residual), math.prod(residual.shape[1:])).sum(1)
            for name, residual in state.residuals.items()
        }

    def value(self, state: State) -> float:
        """The weighted sum of the terms, averaged over the T frames."""
        total = sum(
            self.weights[name] * float(_smooth_l1(residual).sum())
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
        scales = self.scales | {"flow": state.flow_scale}
        force = {
            name: scales[name] * (self.weights[name] * np.clip(residual, -1, 1))
            for name, residual in state.residuals.items()
        }
        gradient = np.zeros_like(state.variables)
        gradient[:, :N_JOINTS] += force["prior"]
        on_motion = np.concatenate([force["temporal"], force["camera"]], axis=1)
        for part, frames in self.stencil_parts(gradient):
            gradient[frames] += part * on_motion

        on_pixels = force["keypoints"].astype(gradient.dtype)
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
