from pathlib import Path

import golden_check
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowpose.errors import InputError
from flowpose.pose.pose_file import Pose
from flowpose.pose.weak_perspective import Crop
from flowpose.refinement.energy import PoseEnergy, PoseWeights, pack
from flowpose.refinement.gauss_newton import banded, curvature, minimise
from flowpose.refinement.refine import PoseOptions, refine_pose

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


def energy_of(*inputs, **weights):
    return PoseEnergy(*inputs, weights=PoseWeights(**weights), dtype=np.float64)


def moved(energy, rng):
    return energy.start + rng.normal(0, 0.02, energy.start.shape)


def test_gradient_with_slope_is_that_of_the_energy(rng):
    energy = energy_of(*problem(rng, 4), flow=1)
    variables = moved(energy, rng)
    state, step = energy.state(variables), 1e-7
    gradient = energy.gradient(state, energy.slope(state))
    for _ in range(10):
        direction = rng.normal(size=variables.shape)
        ahead, behind = (
            energy.value(energy.state(variables + s * direction)) for s in (step, -step)
        )
        numeric = (ahead - behind) / (2 * step)
        assert (gradient * direction).sum() == pytest.approx(numeric, rel=1e-5)


def dense(diagonal, coupling):
    n, size = diagonal.shape[:2]
    matrix = np.zeros((n, size, n, size))
    for t in range(n):
        matrix[t, :, t] = diagonal[t]
    for t in range(n - 1):
        matrix[t, :, t + 1], matrix[t + 1, :, t] = coupling[t], coupling[t].T
    return matrix.reshape(n * size, n * size)


def test_matrix_is_that_of_the_residuals_jacobians(rng):
    """Sum over residuals of weight / max(1, |r|) times the outer square of their derivative."""
    energy = energy_of(*problem(rng, 3), flow=2, keypoints=3, camera=5)
    variables = moved(energy, rng)
    state, step = energy.state(variables), 1e-6

    def weighted(variables):
        residuals = energy.state(variables).residuals
        factors = {
            name: np.sqrt(getattr(energy.weights, name) / np.maximum(1, np.abs(residual)))
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
    ours = dense(*curvature(energy, state, energy.slope(state)))
    np.testing.assert_allclose(ours, expected, atol=1e-6 * np.abs(expected).max())


def test_banded_form_holds_the_lower_triangle(rng):
    diagonal, coupling = rng.normal(size=(3, 45, 45)), rng.normal(size=(2, 45, 45))
    diagonal = diagonal + np.swapaxes(diagonal, 1, 2)
    columns = banded(diagonal, coupling).reshape(-1, 90)
    matrix = dense(diagonal, coupling)
    for column in (0, 1, 44, 45, 89, 90, 134):
        below = matrix[column:, column][:90]
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
)
def test_energy_never_rises_and_ends_where_no_way_leads_down(
    seed, n_frames, noise, detected, without
):
    """Of the result, or of a step from it against the gradient, short or long."""
    inputs = problem(np.random.default_rng(seed), n_frames, noise=noise, detected=detected)
    weights = dict.fromkeys(without, 0)
    refined = refine_pose(*inputs, options=PoseOptions(weights=PoseWeights(**weights)))
    assert (np.diff(refined.loss) < 0).all()
    energy, result = energy_of(*inputs, **weights), pack(refined.pose, float)
    state = energy.state(result)
    assert energy.value(state) == pytest.approx(refined.loss[-1], abs=1e-6)
    gradient = energy.gradient(state, energy.slope(state))
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
