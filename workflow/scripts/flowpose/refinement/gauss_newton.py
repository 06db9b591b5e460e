"""Minimising the energy of a pose by Gauss-Newton steps.

Smooth L1 is quadratic up to 1 (m or px) and linear beyond. For a step, each residual that is
beyond gets the parabola that touches the function there on both sides, of curvature 1 / |residual|
(iteratively reweighted least squares), so that a step of the parabolas lowers the energy too. Flow
counts with its slope. A frame touches only its neighbours, and with second differences over time
each of its variables the same one two frames on: the matrix is block-tridiagonal, in blocks of 45
variables, but for one more diagonal, and solved as a banded one. Steps are damped
(Levenberg-Marquardt) until they lower the energy itself, in which projections and bones bend and
flow is looked up anew.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from jaxtyping import Float
from scipy.linalg import LinAlgError, solveh_banded

from flowpose.refinement.energy import Minimum, PoseEnergy, State
from flowpose.refinement.gradient import energy_gradient
from flowpose.refinement.variables import ENDS, N_JOINTS, N_VARIABLES, TINY, unpack

MOST_STEPS = 100
# A step that lowers the energy by a smaller share is the last.
_CONVERGED = 1e-6
_FIRST_DAMPING, _LEAST_DAMPING, _MOST_DAMPING = 1e-3, 1e-9, 1e6
_DAMPING_FACTOR = 10.0
# Of the matrix, which only directs the steps; energy and gradient are in float64.
_PRECISION = np.float32
# Of the largest curvature: what variables that the energy does not depend on are damped by.
_LEAST_CURVATURE = 1e-6


@dataclass(frozen=True)
class Blocks:
    """A symmetric matrix of all variables of all frames, by its parts that are not 0.

    Attributes:
        diagonal: of each frame.
        coupling: of each frame (rows) and the next (columns).
        second: of each frame and the one after the next: the diagonal of that block.
    """

    diagonal: Float[np.ndarray, "T 45 45"]
    coupling: Float[np.ndarray, "T-1 45 45"]
    second: Float[np.ndarray, "_ 45"]


def minimise(
    energy: PoseEnergy,
    *,
    steps: int = MOST_STEPS,
    progress: Callable[[Iterable], Iterable] = iter,
) -> Minimum:
    """Minimise an energy from its start, by at most so many steps, each of which lowers it.

    Args:
        energy: in float64.
        progress: wraps the steps to show progress.
    """
    state = energy.state(energy.start)
    values = [energy.value(state)]
    damping = _FIRST_DAMPING
    for _ in progress(range(steps)):
        lower, damping = _lower_state(energy, state, values[-1], damping)
        if lower is None:
            return Minimum(state.variables, np.array(values), "converged")
        state = lower
        values.append(energy.value(state))
        if values[-2] - values[-1] < _CONVERGED * values[-2]:
            return Minimum(state.variables, np.array(values), "converged")
    return Minimum(state.variables, np.array(values), "steps")


def _lower_state(
    energy: PoseEnergy, state: State, value: float, damping: float
) -> tuple[State | None, float]:
    """A step to less energy, or None, and the damping to begin the next step with."""
    slope = energy.slope(state)
    gradient = energy_gradient(energy, state, slope) * len(state)
    if not gradient.any():
        return None, damping
    blocks = curvature(energy, state, slope)
    while damping < _MOST_DAMPING:
        try:
            step = _solve(blocks, gradient, damping)
            candidate = energy.state(state.variables - step)
            if energy.value(candidate) < value:
                return candidate, max(damping / _DAMPING_FACTOR, _LEAST_DAMPING)
        except LinAlgError:  # singular to rounding: damp more
            pass
        damping *= _DAMPING_FACTOR
    return None, damping


def _solve(
    blocks: Blocks,
    gradient: Float[np.ndarray, "T 45"],
    damping: float,
) -> Float[np.ndarray, "T 45"]:
    """The damped matrix' inverse times the gradient."""
    columns = banded(blocks)
    diagonal = columns[..., 0]
    diagonal += damping * (diagonal + _LEAST_CURVATURE * diagonal.max())
    step = solveh_banded(
        columns.reshape(gradient.size, -1).T,
        gradient.ravel().astype(columns.dtype),
        lower=True,
        overwrite_ab=True,
        check_finite=False,
    )
    return step.reshape(gradient.shape)


def banded(blocks: Blocks) -> Float[np.ndarray, "T 45 91"]:
    """A symmetric matrix as its columns from the diagonal down, which is LAPACK's banded form."""
    diagonal = blocks.diagonal
    columns = np.zeros((*diagonal.shape[:2], 2 * N_VARIABLES + 1), diagonal.dtype)
    for i in range(N_VARIABLES):
        columns[:, i, : N_VARIABLES - i] = diagonal[:, i, i:]
        columns[:-1, i, N_VARIABLES - i : 2 * N_VARIABLES - i] = blocks.coupling[:, i]
    columns[: len(blocks.second), :, -1] = blocks.second
    return columns


def curvature(
    energy: PoseEnergy, state: State, slope: Float[np.ndarray, "{len(state)-1} 14 2 2"]
) -> Blocks:
    """The Gauss-Newton matrix of T times the energy."""
    curved = {
        name: energy.weights[name] * scale**2 / np.maximum(np.abs(state.residuals[name]), 1)
        for name, scale in (energy.scales | {"flow": state.flow_scale}).items()
    }
    n = len(state)
    blocks = Blocks(
        np.zeros((n, N_VARIABLES, N_VARIABLES), _PRECISION),
        np.zeros((n - 1, N_VARIABLES, N_VARIABLES), _PRECISION),
        np.zeros((max(n - 2, 0), N_VARIABLES), _PRECISION),
    )
    _add_variables(blocks, curved, energy)
    _add_bones(blocks, curved["bones"], state)
    _add_pixels(blocks, curved, slope, energy, state)
    return blocks


def _add_variables(
    blocks: Blocks, curved: dict[str, Float[np.ndarray, "_ ..."]], energy: PoseEnergy
) -> None:
    """Terms of the variables themselves: prior, temporal, camera."""
    own, next_own = (
        np.einsum("tii->ti", matrices) for matrices in (blocks.diagonal, blocks.coupling)
    )
    own[:, :N_JOINTS] += curved["prior"]
    between = np.concatenate([curved["temporal"], curved["camera"]], axis=1)
    parts = list(energy.stencil_parts(own))
    for (later, frames), (earlier, frames_before) in combinations_with_replacement(parts, 2):
        apart = frames.start - frames_before.start
        diagonal = (own, next_own, blocks.second)[apart]
        diagonal[frames_before] += later * earlier * between


def _add_bones(blocks: Blocks, curved: Float[np.ndarray, "pairs 15"], state: State) -> None:
    """The bones' lengths: a joint at an end changes one along the bone."""
    along = (state.bones / np.maximum(state.lengths, TINY)[..., None]).astype(_PRECISION)
    ends = ENDS.astype(_PRECISION)[:, :, None]
    by_joints = (ends * along[:, :, None]).reshape(*state.lengths.shape, N_JOINTS)
    curved = curved.astype(_PRECISION)
    transposed = np.swapaxes(by_joints, 1, 2)
    own = np.zeros_like(state.lengths, _PRECISION)
    own[1:] += curved
    own[:-1] += curved
    blocks.diagonal[:, :N_JOINTS, :N_JOINTS] += transposed @ (own[..., None] * by_joints)
    blocks.coupling[:, :N_JOINTS, :N_JOINTS] -= transposed[:-1] @ (
        curved[..., None] * by_joints[1:]
    )


def _add_pixels(
    blocks: Blocks,
    curved: dict[str, Float[np.ndarray, "_ ..."]],
    slope: Float[np.ndarray, "pairs 14 2 2"],
    energy: PoseEnergy,
    state: State,
) -> None:
    """Terms of the pixels: keypoints, flow."""
    own = np.zeros((*state.pixels.shape, 2))
    identity = np.eye(2)
    own += curved["keypoints"][..., None] * identity
    flow = curved["flow"][..., None]
    moved = identity + slope
    own[1:] += flow * identity
    own[:-1] += np.swapaxes(moved, -1, -2) @ (flow * moved)
    between = -np.swapaxes(flow * moved, -1, -2)
    by_joint, by_camera = pixel_jacobian(energy, state)
    _add_projected(blocks.diagonal, own, (by_joint, by_camera), (by_joint, by_camera))
    before, after = (by_joint[:-1], by_camera[:-1]), (by_joint[1:], by_camera[1:])
    _add_projected(blocks.coupling, between, before, after)


def pixel_jacobian(
    energy: PoseEnergy, state: State
) -> tuple[Float[np.ndarray, "{len(state)} 1 1 1"], Float[np.ndarray, "{len(state)} 14 2 3"]]:
    """Derivative of a joint's pixel by its own x or y, and by the camera."""
    joints, camera = unpack(state.variables)
    by_joint = (energy.px_per_unit * camera[:, None, :1])[..., None]
    by_camera = np.zeros((*state.pixels.shape, 3))
    by_camera[..., 0] = energy.px_per_unit * (joints[..., :2] + camera[:, None, 1:])
    by_camera[..., 1:] = by_joint * np.eye(2)
    return by_joint, by_camera


def _add_projected(
    matrix: Float[np.ndarray, "n 45 45"],
    blocks: Float[np.ndarray, "n 14 2 2"],
    rows: tuple[Float[np.ndarray, "n 1 1 1"], Float[np.ndarray, "n 14 2 3"]],
    columns: tuple[Float[np.ndarray, "n 1 1 1"], Float[np.ndarray, "n 14 2 3"]],
) -> None:
    """Add what a matrix of the pixels, a block a joint, means for the variables."""
    joint_rows, camera_rows = rows[0] * blocks, np.swapaxes(rows[1], -1, -2) @ blocks
    within = joint_rows * columns[0]
    for joint in range(14):
        xy = np.s_[3 * joint : 3 * joint + 2]
        matrix[:, xy, xy] += within[:, joint]
    right = matrix[:, :N_JOINTS].reshape(-1, 14, 3, N_VARIABLES)[:, :, :2, N_JOINTS:]
    right += joint_rows @ columns[1]
    below = matrix[:, :, :N_JOINTS].reshape(-1, N_VARIABLES, 14, 3)[:, N_JOINTS:, :, :2]
    below += np.swapaxes(camera_rows * columns[0], 1, 2)
    matrix[:, N_JOINTS:, N_JOINTS:] += (camera_rows @ columns[1]).sum(1)
