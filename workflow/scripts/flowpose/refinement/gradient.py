"""The derivative of the energy of a pose by its variables."""

import numpy as np
from jaxtyping import Float

from flowpose.refinement.energy import PoseEnergy, State
from flowpose.refinement.variables import N_JOINTS, TINY, TO_BONES, unpack


def energy_gradient(
    energy: PoseEnergy,
    state: State,
    slope: Float[np.ndarray, "{len(state)-1} 14 2 2"] | None = None,
) -> Float[np.ndarray, "{len(state)} 45"]:
    """The derivative of the energy by each variable.

    Args:
        energy: whose weights and scales count.
        state: where.
        slope: that of the flow; without it the flow counts as a constant, as in the reference.
    """
    scales = energy.scales | {"flow": state.flow_scale}
    force = {
        name: scales[name] * (energy.weights[name] * np.clip(residual, -1, 1))
        for name, residual in state.residuals.items()
    }
    gradient = np.zeros_like(state.variables)
    gradient[:, :N_JOINTS] += force["prior"]
    on_motion = np.concatenate([force["temporal"], force["camera"]], axis=1)
    for part, frames in energy.stencil_parts(gradient):
        gradient[frames] += part * on_motion

    on_pixels = force["keypoints"].astype(gradient.dtype)
    _add_difference(on_pixels, force["flow"])
    if slope is not None:
        on_pixels[:-1] -= np.einsum("tjab,tja->tjb", slope, force["flow"])
    _add_projected(gradient, energy, state, on_pixels)

    on_lengths = np.zeros_like(state.lengths)
    _add_difference(on_lengths, force["bones"])
    on_bones = state.bones * (on_lengths / np.maximum(state.lengths, TINY))[..., None]
    gradient[:, :N_JOINTS] += on_bones.reshape(len(on_bones), -1) @ TO_BONES.T.astype(
        gradient.dtype
    )
    return gradient / len(gradient)


def _add_projected(
    gradient: Float[np.ndarray, "T 45"],
    energy: PoseEnergy,
    state: State,
    on_pixels: Float[np.ndarray, "T 14 2"],
) -> None:
    """Add what a derivative by the pixels means for the joints and the camera."""
    joints, camera = unpack(state.variables)
    by_joints, by_camera = unpack(gradient)
    on_unit = energy.px_per_unit * on_pixels
    on_shifted = camera[:, None, :1] * on_unit
    by_joints[..., :2] += on_shifted
    by_camera[:, 1:] += np.einsum("tja->ta", on_shifted)
    shifted = joints[..., :2] + camera[:, None, 1:]
    by_camera[:, 0] += np.einsum("tja,tja->t", on_unit, shifted)


def _add_difference(total: Float[np.ndarray, "T *n"], force: Float[np.ndarray, "T-1 *n"]) -> None:
    """Add what a derivative by differences between frames means for the frames."""
    total[1:] += force
    total[:-1] -= force
