import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from flowpose.evaluation.metrics import (
    acceleration_errors,
    aligned_joint_errors,
    consecutive,
    joint_errors,
    masked_mean,
    reference_end_point_error,
    root_relative,
    scaled_joint_errors,
)

ALL = np.ones((1, 14), bool)
seeds = st.integers(0, 10**6)


def poses(seed, n=1):
    """Poses of random joints, and a generator to go on with."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 14, 3)), rng


def similar(pose, rng):
    """A pose turned, scaled and shifted."""
    return np.exp(rng.uniform(-6, 2)) * pose @ Rotation.random(rng=rng).as_matrix() + rng.normal(
        size=3
    )


def test_root_is_the_middle_of_the_hips(walk):
    rooted = root_relative(walk)
    np.testing.assert_allclose(rooted[:, 2] + rooted[:, 3], 0, atol=1e-15)
    np.testing.assert_allclose(rooted[:, 13] - rooted[:, 5], walk[:, 13] - walk[:, 5])


def test_joint_error_is_the_distance_in_millimetres(walk):
    predicted = walk.copy()
    predicted[:, 13] += [0.03, 0.04, 0]
    expected = np.zeros((6, 14))
    expected[:, 13] = 50
    np.testing.assert_allclose(joint_errors(predicted, walk), expected, atol=1e-9)


def test_an_error_of_one_hip_moves_the_root_by_half(body):
    predicted = body.copy()
    predicted[2] += [0, 0, 0.06]
    errors = joint_errors(predicted[None], body[None])[0]
    np.testing.assert_allclose(errors, 30, rtol=1e-9)


@given(seeds)
def test_joint_error_ignores_where_the_person_is(seed):
    pose, rng = poses(seed)
    assert joint_errors(pose + rng.normal(size=3), pose).max() < 1e-9


@given(seeds)
def test_aligned_error_of_a_turned_scaled_and_shifted_pose_is_zero(seed):
    pose, rng = poses(seed)
    assert aligned_joint_errors(similar(pose, rng), pose, ALL).max() < 1e-9


@given(seeds)
def test_aligned_error_of_a_reflected_pose_is_not_zero(seed):
    pose, rng = poses(seed)
    mirrored = similar(pose * [-1, 1, 1], rng)
    assert aligned_joint_errors(mirrored, pose, ALL).mean() > 10


@given(seeds, st.booleans())
def test_aligned_error_is_that_after_the_best_rotation_and_scale(seed, mirrored):
    """As scipy finds the rotation; a mirrored pose is where reflections must be ruled out."""
    pose, rng = poses(seed)
    true = pose * [-1 if mirrored else 1, 1, 1] + rng.normal(0, 0.3, pose.shape)
    x, y = (points[0] - points[0].mean(0) for points in (pose, true))
    turned = Rotation.align_vectors(y, x)[0].apply(x)
    scale = (turned * y).sum() / (x**2).sum()
    expected = 1000 * np.linalg.norm(scale * turned - y, axis=1)
    np.testing.assert_allclose(aligned_joint_errors(pose, true, ALL)[0], expected, rtol=1e-5)


@given(seeds)
def test_aligned_error_does_not_depend_on_how_the_prediction_lies(seed):
    pose, rng = poses(seed)
    true = pose + rng.normal(0, 0.1, pose.shape)
    errors = aligned_joint_errors(pose, true, ALL)
    np.testing.assert_allclose(aligned_joint_errors(similar(pose, rng), true, ALL), errors)


DEGENERATE = {
    "point": np.zeros((14, 3)) + [1, 2, 3],
    "line": np.linspace(0, 1, 14)[:, None] * [1, 2, 3],
    "plane": np.random.default_rng(0).normal(size=(14, 3)) * [1, 1, 0],
}


@pytest.mark.parametrize("true", DEGENERATE)
@pytest.mark.parametrize("predicted", DEGENERATE)
def test_degenerate_poses_have_finite_errors(predicted, true):
    pair = DEGENERATE[predicted][None], DEGENERATE[true][None]
    for errors in (aligned_joint_errors(*pair, ALL), scaled_joint_errors(*pair, ALL)):
        assert np.isfinite(errors).all()
        # Any pose scaled to 0 is a point.
        assert (errors.max() < 1e-6) == (true in (predicted, "point"))


def test_aligned_error_of_a_point_is_the_distance_from_the_middle(body):
    errors = aligned_joint_errors(np.ones((1, 14, 3)), body[None], ALL)[0]
    np.testing.assert_allclose(errors, 1000 * np.linalg.norm(body - body.mean(0), axis=1))


@given(seeds)
def test_scaled_error_of_a_scaled_and_shifted_pose_is_zero(seed):
    pose, rng = poses(seed)
    scaled = pose * np.exp(rng.uniform(-6, 2)) + rng.normal(size=3)
    assert scaled_joint_errors(scaled, pose, ALL).max() < 1e-9


def test_scaled_error_takes_the_least_squares_scale(body):
    true = body + np.random.default_rng(0).normal(0, 0.1, (14, 3))
    errors = (scaled_joint_errors(body[None], true[None], ALL) ** 2).sum()
    x, y = root_relative(body), root_relative(true)
    scales = np.linspace(0.5, 1.5, 1001)
    best = min(((s * x - y) ** 2).sum() for s in scales) * 1e6
    assert errors == pytest.approx(best, rel=1e-5)
    assert errors <= best


@pytest.mark.parametrize("metric", [aligned_joint_errors, scaled_joint_errors])
@pytest.mark.parametrize("unknown", [1e6, np.nan])
def test_joints_that_are_not_valid_do_not_turn_or_scale_the_others(metric, unknown, walk, rng):
    predicted, valid = walk + rng.normal(0, 0.02, walk.shape), np.ones((6, 14), bool)
    valid[:, [0, 6]] = False
    clean = metric(predicted, walk, valid)
    predicted[:, 0] = unknown
    spoilt = walk.copy()
    spoilt[:, 6] = unknown
    errors = metric(predicted, spoilt, valid)
    np.testing.assert_allclose(errors[valid], clean[valid])
    assert clean[valid].mean() > 1


@pytest.mark.parametrize("metric", [aligned_joint_errors, scaled_joint_errors])
def test_joints_that_are_not_valid_are_as_good_as_absent(metric, walk, rng):
    predicted, valid = walk + rng.normal(0, 0.02, walk.shape), np.ones((6, 14), bool)
    valid[:, 12:] = False
    errors = metric(predicted, walk, valid)
    expected = metric(predicted[:, :12], walk[:, :12], valid[:, :12])
    np.testing.assert_allclose(errors[:, :12], expected)


def test_a_single_valid_joint_is_aligned_with_itself(body):
    valid = np.arange(14)[None] == 5
    assert aligned_joint_errors(body[None], body[None] + 3, valid)[0, 5] == 0


def test_acceleration_error_of_a_constant_difference_in_velocity_is_zero(walk):
    drift = np.arange(6)[:, None, None] * np.random.default_rng(0).normal(size=(14, 3))
    assert acceleration_errors(walk + drift, walk).max() < 1e-9


def test_acceleration_error_is_the_second_difference(walk):
    predicted = walk.copy()
    predicted[:, 13, 0] += 0.004 * np.arange(6) ** 2
    errors = acceleration_errors(predicted, walk)
    assert errors.shape == (4, 14)
    np.testing.assert_allclose(errors[:, 13], 8)
    np.testing.assert_allclose(errors[:, :13], 0, atol=1e-9)


def test_joints_count_where_they_are_valid_in_all_frames_of_a_window():
    valid = np.array([[1, 1, 1, 0, 1, 1, 1, 1], [1, 0, 1, 0, 1, 0, 1, 0]], bool).T
    assert consecutive(valid, 3).T.astype(int).tolist() == [[1, 0, 0, 0, 1, 1], [0] * 6]
    assert consecutive(valid[:2], 3).shape == (0, 2)


def test_mean_is_over_valid_entries():
    values = np.array([1.0, np.nan, 5.0])
    assert masked_mean(values, np.array([True, False, True])) == 3
    assert np.isnan(masked_mean(values, np.zeros(3, bool)))


FLOW = np.zeros((20, 30, 2), np.float32)


@pytest.mark.parametrize("reference", [False, True])
def test_reference_error_sums_distances_at_the_nearest_pixels(reference):
    flow = FLOW.copy()
    flow[7, 5] = 1, 1
    points = np.array([[4.6, 7.4], [20, 10]])
    error = reference_end_point_error(flow, points, points + [4, 5], reference=reference)
    assert error == pytest.approx(5 + np.hypot(4, 5))


def test_reference_error_counts_only_the_last_joint_of_a_pixel():
    points = np.array([[5.0, 7], [5.4, 7.4], [20, 10]])
    motion = np.array([[30, 40], [3, 4], [6, 8]])
    assert reference_end_point_error(FLOW, points, points + motion) == pytest.approx(15)


def test_reference_error_rounds_half_to_even():
    flow = FLOW.copy()
    flow[10, 4] = 3, 4
    points = np.array([[4.5, 9.5]])
    assert reference_end_point_error(flow, points, points) == pytest.approx(5)


@pytest.mark.parametrize("frame", [0, 1])
def test_reference_error_leaves_unknown_joints_out(frame):
    points = np.array([[[5.0, 7], [20, 10]], [[8, 11], [26, 18]]])
    points[frame, 1] = np.nan
    assert reference_end_point_error(FLOW, *points, reference=True) == pytest.approx(5)


@pytest.mark.parametrize("point", [(-1, 5), (5, -3), (30, 5), (5, 20)])
def test_reference_error_leaves_joints_off_the_image_out_by_default(point):
    points = np.array([point, (5, 7)], float)
    assert reference_end_point_error(FLOW, points, points + [3, 4]) == pytest.approx(5)


@pytest.mark.parametrize("point", [(0, 0), (29, 19), (0, 19)])
def test_reference_error_counts_joints_on_the_border(point):
    points = np.array([point], float)
    assert reference_end_point_error(FLOW, points, points + [3, 4]) == pytest.approx(5)


@pytest.mark.parametrize(
    ("point", "pixel"), [((-2, -3), (28, 17)), ((-30, -20), (0, 0)), ((-1, 5), (29, 5))]
)
def test_reference_error_wraps_negative_pixels_in_reference_mode(point, pixel):
    flow = FLOW.copy()
    flow[pixel[1], pixel[0]] = 3, 4
    points = np.array([point], float)
    assert reference_end_point_error(flow, points, points, reference=True) == pytest.approx(5)


def test_a_wrapped_joint_shares_its_pixel_with_the_joint_that_is_there():
    points = np.array([[-2.0, -3.0], [28, 17]])
    motion = np.array([[30, 40], [3, 4]])
    error = reference_end_point_error(FLOW, points, points + motion, reference=True)
    assert error == pytest.approx(5)


@pytest.mark.parametrize("point", [(30, 5), (5, 20), (-31, 5), (5, -21)])
def test_reference_error_beyond_the_wrap_is_an_index_error(point):
    points = np.array([point], float)
    with pytest.raises(IndexError, match=rf"joint 0 at \({point[0]}, {point[1]}\)"):
        reference_end_point_error(FLOW, points, points, reference=True)
