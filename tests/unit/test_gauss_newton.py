from pathlib import Path

import golden_check
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from flowpose.errors import InputError
from flowpose.pose.pose_file import Pose
from flowpose.pose.weak_perspective import Crop
from flowpose.refinement.energy import PoseEnergy, PoseWeights
from flowpose.refinement.gauss_newton import Blocks, banded, curvature, minimise
from flowpose.refinement.gradient import energy_gradient
from flowpose.refinement.measures import Measures
from flowpose.refinement.refine import PoseOptions, refine_pose
from flowpose.refinement.variables import pack

GOLDEN = Path(__file__).parents[1] / "golden" / "pose_s0.npz"
NAMES = ("prior", "temporal", "bones", "camera", "keypoints", "flow")
SIDE = 48


def problem(rng, n_frames, *, noise=0.03, detected=0.8):
    """An estimate around a moving body, detections of it, and flow that varies from px to px."""
    body = rng.uniform(-0.5, 0.5, (14, 3)) + np.arange(n_frames)[:, None, None] * 0.01
    crop = Crop(rng.uniform(4.5, 5.5, n_frames), rng.uniform(100, 120, (n_frames, 2)), 224)
    camera = rng.uniform([0.7, -0.1, -0.1], [0.9, 0.1, 0.1], (n_frames, 3))
    pose = Pose(body + rng.normal(0, noise, body.shape), camera, crop)
    keypoints = pose.project() + rng.standard_t(2, (n_frames, 14, 2))
    weights = (rng.uniform(size=(n_frames, 14)) < detected).astype(float)
    keypoints[weights == 0] = np.nan
    flow = rng.normal(0, 2, (n_frames - 1, SIDE, SIDE, 2)).astype(np.float32)
    return pose, keypoints, weights, flow


def measures_of(kind, n_frames):
    """The paper's, or all of the default's, with knees that residuals are on both sides of."""
    if kind == "paper":
        return Measures()
    seconds = np.linspace(0.02, 0.3, n_frames - 1)
    return Measures("person", "velocity", seconds, knee=0.5)


def energy_of(*inputs, measures=Measures(), **weights):  # noqa: B008 - it is frozen
    return PoseEnergy(*inputs, weights=PoseWeights(**weights), measures=measures, dtype=np.float64)


MEASURES = pytest.mark.parametrize("kind", ["paper", "default"])


def moved(energy, rng):
    return energy.start + rng.normal(0, 0.02, energy.start.shape)


@MEASURES
def test_gradient_with_slope_is_that_of_the_energy(rng, kind):
    energy = energy_of(*problem(rng, 4), measures=measures_of(kind, 4), flow=1)
    variables = moved(energy, rng)
    state, step = energy.state(variables), 1e-7
    gradient = energy_gradient(energy, state, energy.slope(state))
    for _ in range(10):
        direction = rng.normal(size=variables.shape)
        ahead, behind = (
            energy.value(energy.state(variables + s * direction)) for s in (step, -step)
        )
        numeric = (ahead - behind) / (2 * step)
        assert (gradient * direction).sum() == pytest.approx(numeric, rel=1e-5)


def dense(blocks):
    n, size = blocks.diagonal.shape[:2]
    matrix = np.zeros((n, size, n, size))
    for t in range(n):
        matrix[t, :, t] = blocks.diagonal[t]
    for t in range(n - 1):
        matrix[t, :, t + 1], matrix[t + 1, :, t] = blocks.coupling[t], blocks.coupling[t].T
    for t in range(n - 2):
        matrix[t, :, t + 2] = matrix[t + 2, :, t] = np.diag(blocks.second[t])
    return matrix.reshape(n * size, n * size)


@MEASURES
def test_matrix_is_that_of_the_residuals_jacobians(rng, kind):
    """Sum over residuals of weight / max(1, |r|) times the outer square of their derivative."""
    measures = measures_of(kind, 4)
    energy = energy_of(*problem(rng, 4), measures=measures, flow=2, keypoints=3, camera=5)
    variables = moved(energy, rng)
    state, step = energy.state(variables), 1e-6

    def weighted(variables):
        residuals = energy.state(variables).residuals
        factors = {
            name: np.sqrt(energy.weights[name] / np.maximum(1, np.abs(residual)))
            for name, residual in state.residuals.items()
        }
        return np.concatenate([(factors[name] * residuals[name]).ravel() for name in NAMES])

    jacobian = np.stack(
        [
            (weighted(variables + move) - weighted(variables - move)) / (2 * step)
            for move in step * np.eye(variables.size).reshape(-1, *variables.shape)
        ],
        axis=1,
    )
    expected = jacobian.T @ jacobian
    ours = dense(curvature(energy, state, energy.slope(state)))
    np.testing.assert_allclose(ours, expected, atol=1e-6 * np.abs(expected).max())


def test_banded_form_holds_the_lower_triangle(rng):
    diagonal, coupling = rng.normal(size=(3, 45, 45)), rng.normal(size=(2, 45, 45))
    diagonal = diagonal + np.swapaxes(diagonal, 1, 2)
    blocks = Blocks(diagonal, coupling, rng.normal(size=(1, 45)))
    columns = banded(blocks).reshape(-1, 91)
    matrix = dense(blocks)
    for column in (0, 1, 44, 45, 89, 90, 134):
        below = matrix[column:, column][:91]
        np.testing.assert_array_equal(columns[column, : len(below)], below)


@pytest.fixture(scope="module")
def golden():
    case = golden_check.Case(GOLDEN)
    return case.pose, case.keypoints.joints_2d, case.keypoints.weights(0), case["flow"]


def test_golden_case_ends_below_1500_steps_of_adam(golden):
    adam = refine_pose(*golden, options=PoseOptions(solver="adam", stop_patience=0))
    ours = refine_pose(*golden, options=PoseOptions())
    assert ours.loss[-1] < adam.loss[-1]
    assert ours.stop == "converged"
    assert len(ours.loss) < 20


@pytest.mark.parametrize("n_frames", [2, 3, 25])
def test_synthetic_cases_end_below_adam(rng, n_frames):
    inputs = problem(rng, n_frames)
    adam = refine_pose(*inputs, options=PoseOptions(solver="adam", steps=800, stop_patience=0))
    assert refine_pose(*inputs, options=PoseOptions()).loss[-1] < adam.loss[-1]


@MEASURES
def test_the_minimum_is_that_of_another_method(rng, kind):
    """L-BFGS knows nothing but the energy and its gradient. The flow is smooth: one minimum."""
    pose, keypoints, weights, flow = problem(rng, 6)
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    flow[:] = np.stack([2 * columns - rows, 1.5 * rows], -1)
    energy = energy_of(pose, keypoints, weights, flow, measures=measures_of(kind, 6))

    def value_and_gradient(flat):
        state = energy.state(flat.reshape(6, 45))
        return energy.value(state), energy_gradient(energy, state, energy.slope(state)).ravel()

    options = {"maxiter": 4000, "ftol": 1e-12, "gtol": 1e-8}
    other = optimize.minimize(
        value_and_gradient, energy.start.ravel(), jac=True, method="L-BFGS-B", options=options
    )
    minimum = minimise(energy)
    assert minimum.stop == "converged"
    assert minimum.energy[-1] == pytest.approx(other.fun, rel=1e-4)
    joints = (minimum.variables - other.x.reshape(6, 45))[:, :42]
    assert np.abs(joints).mean() < 5e-4  # m


def test_every_step_lowers_the_energy_and_the_last_is_that_of_the_result(rng):
    energy = energy_of(*problem(rng, 6))
    minimum = minimise(energy)
    assert (np.diff(minimum.energy) < 0).all()
    assert energy.value(energy.state(minimum.variables)) == minimum.energy[-1]
    assert energy.value(energy.state(energy.start)) == minimum.energy[0]


def test_steps_limit_the_minimisation(rng):
    minimum = minimise(energy_of(*problem(rng, 6)), steps=1)
    assert (minimum.stop, len(minimum.energy)) == ("steps", 2)


def test_same_input_gives_the_same_result(rng):
    inputs = problem(rng, 5)
    a, b = (refine_pose(*inputs, options=PoseOptions()) for _ in range(2))
    np.testing.assert_array_equal(pack(a.pose, float), pack(b.pose, float))


@settings(max_examples=40)
@given(
    st.integers(0, 10**6),
    st.integers(2, 5),
    st.sampled_from([0, 0.01, 0.3, 3]),
    st.sampled_from([0, 0.5, 1]),
    st.sets(st.sampled_from(NAMES)),
    st.sampled_from(["paper", "default"]),
)
def test_energy_never_rises_and_ends_where_no_way_leads_down(
    seed, n_frames, noise, detected, without, kind
):
    """Of the result, or of a step from it against the gradient, short or long."""
    inputs = problem(np.random.default_rng(seed), n_frames, noise=noise, detected=detected)
    weights, measures = dict.fromkeys(without, 0), measures_of(kind, n_frames)
    refined = refine_pose(*inputs, options=PoseOptions(PoseWeights(**weights), measures))
    assert (np.diff(refined.loss) < 0).all()
    energy = energy_of(*inputs, measures=measures, **weights)
    result = pack(refined.pose, float)
    state = energy.state(result)
    # Poses are kept in float32.
    assert energy.value(state) == pytest.approx(refined.loss[-1], rel=1e-6, abs=1e-6)
    gradient = energy_gradient(energy, state, energy.slope(state))
    downhill = -gradient / max(np.linalg.norm(gradient), 1e-30)
    for length in 10.0 ** np.arange(-6, 0):
        lower = energy.value(energy.state(result + length * downhill))
        assert lower >= refined.loss[-1] - 1e-3 * refined.loss[0]


def test_joints_on_one_point_are_no_obstacle(rng):
    """Bones without length have no direction; joints still go to where they were detected."""
    pose, keypoints, detected, flow = problem(rng, 4)
    point = Pose(np.zeros_like(pose.joints_3d), pose.camera, pose.crop)
    only = {"prior": 0, "temporal": 0, "bones": 1e-6, "camera": 0, "keypoints": 1, "flow": 0}
    options = PoseOptions(weights=PoseWeights(**only))
    refined = refine_pose(point, keypoints, detected, flow, options=options)
    off = np.linalg.norm(refined.pose.project() - keypoints, axis=-1)[detected > 0]
    assert off.max() < 0.05


def test_pose_off_the_image_is_left_where_the_other_terms_have_it(rng):
    pose, keypoints, detected, flow = problem(rng, 4)
    far = Pose(pose.joints_3d + [10, 0, 0], pose.camera, pose.crop)
    with_flow, without = (
        refine_pose(
            far,
            keypoints + far.project() - pose.project(),
            detected,
            flow,
            options=PoseOptions(weights=PoseWeights(flow=weight)),
        )
        for weight in (10, 0)
    )
    np.testing.assert_array_equal(pack(with_flow.pose, float), pack(without.pose, float))
    assert len(without.loss) > 2


def test_unknown_joints_are_refused(rng):
    pose, *others = problem(rng, 4)
    pose.joints_3d[1, 3] = np.nan
    with pytest.raises(InputError, match="pose: the energy is not finite"):
        refine_pose(pose, *others, options=PoseOptions())
