import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from flowpose.evaluation.metric import PoseComparison
from flowpose.evaluation.pose_metrics import (
    POSE_METRICS,
    acceleration_errors,
    aligned_joint_errors,
    correct_joints,
    correct_shares,
    joint_errors,
    motion_errors,
    scaled_joint_errors,
)
from flowpose.evaluation.roots import consecutive, root_relative
from flowpose.evaluation.truthless_metrics import TRUTHLESS_METRICS

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


@pytest.mark.parametrize(("distance", "value"), [(0.0, 100), (0.15, 100), (0.1501, 0), (9, 0)])
def test_a_joint_is_correct_up_to_150_mm_from_the_truth(distance, value):
    """The frame's other joints are right."""
    true, predicted = np.zeros((2, 14, 3)), np.zeros((2, 14, 3))
    predicted[1, 13, 1] = distance
    expected = np.full((2, 14), 100.0)
    expected[1, 13] = value
    np.testing.assert_array_equal(correct_joints(predicted + [1, 2, 3], true + 5), expected)


def test_a_joint_is_correct_relative_to_the_hips(body):
    """A hip that is off by 40 cm moves the root by 20 cm: no joint is where it should be."""
    predicted = body.copy()
    predicted[2] += [0, 0, 0.4]
    assert correct_joints(predicted[None], body[None]).sum() == 0
    assert correct_joints(body[None] + 1, body[None]).min() == 100


@pytest.mark.parametrize(
    ("distance", "share"),
    [(0, 31), (0.0049, 30), (0.0051, 29), (0.076, 15), (0.1499, 1), (0.151, 0)],
)
def test_a_joint_is_correct_at_so_many_of_31_thresholds(distance, share):
    true, predicted = np.zeros((1, 14, 3)), np.zeros((1, 14, 3))
    predicted[0, 13, 2] = distance
    shares = correct_shares(predicted, true)
    assert shares[0, 13] == pytest.approx(100 * share / 31)
    assert (shares[0, :13] == 100).all()


def test_auc_is_the_mean_of_pck_over_thresholds(walk, rng):
    predicted = walk + rng.normal(0, 0.05, walk.shape)
    errors = joint_errors(predicted, walk)
    pck = [100 * (errors <= threshold).mean() for threshold in range(0, 151, 5)]
    assert correct_shares(predicted, walk).mean() == pytest.approx(np.mean(pck))
    assert 20 < np.mean(pck) < 80


def test_motion_error_ignores_what_stays_and_is_the_distance_of_displacements(rng):
    true = rng.uniform(0, 200, (6, 14, 2))
    predicted = true + rng.normal(0, 20, (14, 2))
    assert motion_errors(predicted, true).max() < 1e-9
    predicted[3:, 5] += [3, -4]
    expected = np.zeros((5, 14))
    expected[2, 5] = 5
    np.testing.assert_allclose(motion_errors(predicted, true), expected, atol=1e-9)


def scored(predicted, true, estimated=True, fps=10.0):
    """The scores of every metric, by name; what is not finite in the truth is not known.

    The picture is x and y in m, seen from far away.
    """
    n = len(true)
    estimated = np.full((n, 14), True) & estimated
    known = np.isfinite(true).all(-1) & estimated
    compared = PoseComparison(
        predicted=predicted,
        estimated=estimated,
        true=true,
        known=known,
        predicted_2d=predicted[..., :2],
        true_2d=true[..., :2],
        known_2d=known,
        detections=true[..., :2],
        time=np.arange(n) / fps if fps else np.zeros(n),
    )
    return {metric.name: metric.score(compared) for metric in POSE_METRICS}


def test_acceleration_in_metres_is_that_of_the_motion_whatever_the_frame_rate(walk):
    """An error that grows by a t^2 / 2 is one of a in the acceleration."""
    for fps in (10.0, 25.0, 60.0):
        predicted = walk.copy()
        predicted[:, 13, 0] += 3.0 * (np.arange(6) / fps) ** 2 / 2
        scores = scored(predicted, walk, fps=fps)["accel_m_s2"]
        np.testing.assert_allclose(scores.values[:, 13], 3)
        assert scores.valid.all()


@pytest.mark.parametrize("fps", [0.0, np.nan])
def test_without_a_frame_rate_there_is_no_acceleration_in_metres(walk, fps):
    scores = scored(walk + walk**2, walk, fps=fps)
    assert not scores["accel_m_s2"].valid.any()
    assert scores["accel_mm"].valid.all()


def test_each_metric_forgives_what_it_should(walk):
    """Of a pose that is shifted, scaled and turned about the upright axis."""
    turned = walk * 1.1 @ np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]]) + [1, 2, 3]
    mean = {name: scores.mean() for name, scores in scored(turned, walk).items()}
    assert mean["pa_mpjpe_mm"] < 1e-9
    assert 100 < mean["n_mpjpe_mm"] < mean["mpjpe_mm"]
    assert 0 < mean["pck_150_percent"] < 100
    scaled = {name: scores.mean() for name, scores in scored(1.1 * walk, walk).items()}
    assert scaled["n_mpjpe_mm"] < 1e-9
    assert scaled["mpjpe_mm"] > 10


@pytest.mark.parametrize("where", ["truth", "pose"])
def test_an_unknown_joint_counts_nowhere(walk, where):
    true, predicted = walk.copy(), walk + np.random.default_rng(1).normal(0, 0.01, walk.shape)
    (predicted if where == "pose" else true)[2, 13] = np.nan
    of_all = scored(predicted, true, np.isfinite(predicted).all(-1))
    for metric in POSE_METRICS:
        # What no truth takes is known without, and that of a bone is one of all frames.
        if metric.span is None or (metric in TRUTHLESS_METRICS[1:] and where == "truth"):
            continue
        scores, span = of_all[metric.name], metric.span
        expected = np.ones((6 - span + 1, 14), bool)
        expected[max(0, 3 - span) : 3, 13] = False
        np.testing.assert_array_equal(scores.valid, expected)
        assert np.isfinite(scores.values[scores.valid]).all()
        assert scores.mean() == pytest.approx(scores.values[expected].mean())


def test_a_frame_without_a_hip_counts_only_after_alignment(walk):
    true = walk.copy()
    true[2, 3] = np.nan
    scores = scored(walk, true)
    for name in ("mpjpe_mm", "n_mpjpe_mm", "pck_150_percent"):
        assert np.flatnonzero(~scores[name].valid.any(1)).tolist() == [2]
    assert scores["pa_mpjpe_mm"].valid[2].sum() == 13
    assert np.flatnonzero(scores["accel_mm"].valid.any(1)).tolist() == [3]


def test_errors_in_the_picture_are_distances_and_within_a_tenth_of_the_height_correct(body):
    """The body is 1.59 m high and 1.24 m wide; px are m here."""
    true = np.tile(body, (3, 1, 1))
    predicted = true.copy()
    predicted[1, 4] += [0.09, 0.12, 7]
    predicted[1, 5] += [0.12, 0.12, 7]
    scores = scored(predicted, true)
    assert scores["error_2d_px"].values[1, 4] == pytest.approx(0.15)
    assert scores["error_2d_px"].values.sum() == pytest.approx(0.15 + 0.12 * 2**0.5)
    assert np.argwhere(scores["pck_2d_percent"].values == 0).tolist() == [[1, 5]]
    assert scores["pck_2d_percent"].mean() == pytest.approx(100 * 41 / 42)


def test_without_a_height_no_joint_is_correct_or_wrong_in_the_picture():
    scores = scored(np.ones((3, 14, 3)), np.zeros((3, 14, 3)))
    assert not scores["pck_2d_percent"].valid.any() and scores["error_2d_px"].valid.all()


def test_truth_in_the_picture_only_gives_errors_there_only(walk):
    """Whatever is known in space: nothing."""
    known = np.ones((6, 14), bool)
    compared = PoseComparison(
        predicted=walk,
        estimated=known,
        true=np.full((6, 14, 3), np.nan),
        known=~known,
        predicted_2d=walk[..., :2],
        true_2d=walk[..., :2] + [3, 4],
        known_2d=known,
        detections=np.full((6, 14, 2), np.nan),
        time=np.arange(6.0),
    )
    means = {metric.name: metric.score(compared).mean() for metric in POSE_METRICS}
    found = {name for name, mean in means.items() if np.isfinite(mean)}
    own = {metric.name for metric in TRUTHLESS_METRICS} - {"pose_detections_px"}
    assert found == {"motion_px", "error_2d_px", "pck_2d_percent"} | own
    assert means["error_2d_px"] == pytest.approx(5)
    assert means["motion_px"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("n_known", "n_counted"), [(0, 0), (2, 0), (3, 3)])
def test_fewer_than_three_joints_are_not_aligned(walk, n_known, n_counted):
    true = walk.copy()
    true[1, n_known:] = np.nan
    scores = scored(walk, true)["pa_mpjpe_mm"]
    assert scores.valid[1].sum() == n_counted
    assert scores.mean() < 1e-9
