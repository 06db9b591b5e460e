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
from flowpose.pose.weak_perspective import WeakPerspective
from flowpose.refinement.measures import Measures
from flowpose.refinement.variables import N_JOINTS, bone_lengths, bone_vectors, pack, unpack
from flowpose.runtime.streams import Stream


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
        bones: see bone_vectors, m.
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
        lengths = bone_lengths(bones)
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

    def slope(self, state: State) -> Float[np.ndarray, "{len(state)-1} 14 2 2"]:
        """How the flow that each joint is compared with changes as the joint moves."""
        return flow_slope(self._flow, state.pixels[:-1])

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
