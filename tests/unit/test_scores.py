import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.evaluation.scores import (
    METRICS,
    flow_errors,
    pose_errors,
    read_means,
    reference_flow_errors,
    write_metrics,
)
from flowpose.flow.field_writing import write_flows
from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.truth_file import Truth
from flowpose.pose.weak_perspective import Crop
from flowpose.storage import stage_files

T, HEIGHT, WIDTH = 6, 30, 40
POSE_METRICS = METRICS[:4]
ALL = np.ones((T, 14), bool)


@pytest.fixture
def truth(walk, rng):
    """Joints that all move by (1, 0.5) px a frame, on the image."""
    start = rng.uniform(5, 20, (14, 2))
    joints_2d = start + np.arange(T)[:, None, None] * np.array([1, 0.5])
    return Truth(walk.copy(), joints_2d, METRO_14.joints)


def as_poses(joints):
    return [Pose(x, np.ones((len(x), 3)), Crop.whole_image(len(x), 64, 64)) for x in joints]


def constant_flow(x, y):
    return np.tile(np.float32([x, y]), (T - 1, HEIGHT, WIDTH, 1))


def test_a_pose_that_is_the_truth_has_no_errors(truth):
    errors = pose_errors(truth.joints_3d, truth, ALL)
    assert tuple(errors) == POSE_METRICS
    assert all(e.mean() < 1e-9 and e.valid.all() for e in errors.values())


def test_each_metric_forgives_what_it_should(truth):
    """Of a pose that is shifted, scaled and turned about the upright axis."""
    turned = truth.joints_3d * 1.1 @ np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]]) + [1, 2, 3]
    mean = {name: e.mean() for name, e in pose_errors(turned, truth, ALL).items()}
    assert mean["pa_mpjpe_mm"] < 1e-9
    assert 100 < mean["n_mpjpe_mm"] < mean["mpjpe_mm"]
    scaled = {name: e.mean() for name, e in pose_errors(1.1 * truth.joints_3d, truth, ALL).items()}
    assert scaled["n_mpjpe_mm"] < 1e-9
    assert scaled["mpjpe_mm"] > 10


@pytest.mark.parametrize("where", ["truth", "pose"])
def test_an_unknown_joint_counts_nowhere(truth, where):
    joints = truth.joints_3d + np.random.default_rng(1).normal(0, 0.01, (T, 14, 3))
    (joints if where == "pose" else truth.joints_3d)[2, 13] = np.nan
    estimated = np.isfinite(joints).all(-1)
    for name, errors in pose_errors(joints, truth, estimated).items():
        expected = np.ones((T - 2 if name == "accel_mm" else T, 14), bool)
        expected[slice(0, 3) if name == "accel_mm" else 2, 13] = False
        np.testing.assert_array_equal(errors.valid, expected)
        assert np.isfinite(errors.values[errors.valid]).all()
        assert errors.mean() == pytest.approx(errors.values[expected].mean())


def test_a_frame_without_a_hip_counts_only_after_alignment(truth):
    truth.joints_3d[2, 3] = np.nan
    errors = pose_errors(truth.joints_3d, truth, ALL)
    for name in ("mpjpe_mm", "n_mpjpe_mm"):
        assert np.flatnonzero(~errors[name].valid.any(1)).tolist() == [2]
    assert errors["pa_mpjpe_mm"].valid[2].sum() == 13
    assert np.flatnonzero(errors["accel_mm"].valid.any(1)).tolist() == [3]


@pytest.mark.parametrize(("n_known", "n_counted"), [(0, 0), (2, 0), (3, 3)])
def test_fewer_than_three_joints_are_not_aligned(truth, n_known, n_counted):
    truth.joints_3d[1, n_known:] = np.nan
    errors = pose_errors(truth.joints_3d, truth, ALL)["pa_mpjpe_mm"]
    assert errors.valid[1].sum() == n_counted
    assert errors.mean() < 1e-9


def test_end_point_error_of_a_constant_flow_is_a_known_distance(truth):
    errors = flow_errors(constant_flow(1 + 3, 0.5 - 4), truth)
    assert errors.values.shape == (T - 1, 14)
    np.testing.assert_allclose(errors.values, 5, rtol=1e-6)
    assert errors.valid.all()


def test_flow_is_read_between_pixels_at_the_joint_of_the_first_frame(truth):
    """In a field of flow (x, 0) a joint at x that moves by (1, 0.5) is off by (x - 1, 0.5)."""
    field = np.zeros((T - 1, HEIGHT, WIDTH, 2), np.float32)
    field[..., 0] = np.arange(WIDTH)
    expected = np.hypot(truth.joints_2d[:-1, :, 0] - 1, 0.5)
    np.testing.assert_allclose(flow_errors(field, truth).values, expected, rtol=1e-5)


def test_joints_off_the_image_or_unknown_do_not_count(truth):
    truth.joints_2d[1, 0] = np.nan
    truth.joints_2d[2, 1] = -0.5, 5
    truth.joints_2d[3, 2] = 5, HEIGHT - 0.5
    expected = np.ones((T - 1, 14), bool)
    expected[[0, 1], 0] = False
    expected[2, 1] = expected[3, 2] = False
    np.testing.assert_array_equal(flow_errors(constant_flow(1, 0), truth).valid, expected)


@pytest.mark.parametrize("reference", [False, True])
def test_reference_error_divides_by_32_joints(truth, reference):
    truth.joints_2d[:] = np.arange(14)[:, None] + np.arange(T)[:, None, None] * np.array([1, 0])
    errors = reference_flow_errors(constant_flow(4, -4), truth, reference=reference)
    np.testing.assert_allclose(errors, np.full(T - 1, 14 * 5 / 32))


def test_reference_error_is_not_a_number_where_no_joint_counts(truth):
    truth.joints_2d[1] = np.nan
    errors = reference_flow_errors(constant_flow(0, 0), truth, reference=False)
    np.testing.assert_array_equal(np.isnan(errors), [True, True, False, False, False])


def test_a_joint_that_the_reference_cannot_count_is_explained(truth):
    truth.joints_2d[2, 3] = WIDTH + 5, 5
    with pytest.raises(InputError, match=r"truth: joint 3 at \(45, 5\) outside 40 x 30 px"):
        reference_flow_errors(constant_flow(0, 0), truth, reference=True)


@pytest.fixture
def stored_flows(tmp_path, provenance):
    """Two cycles of flow, of which the second is right."""
    paths = [tmp_path / "flow_0.h5", tmp_path / "flow_1.h5"]
    for path, x in zip(paths, (5, 1), strict=True):
        flows = constant_flow(x, 0.5)
        write_flows(
            path,
            flows,
            (T - 1, HEIGHT, WIDTH),
            provenance,
            lossless=False,
            precision="exact",
            device="cpu",
        )
    return paths


def test_metrics_file_has_the_means_of_every_cycle(tmp_path, truth, stored_flows, provenance):
    wrong = truth.joints_3d.copy()
    wrong[:, 13, 0] += 0.014
    path = tmp_path / "metrics.h5"
    flows = [*stored_flows, stored_flows[1]]
    poses = [truth.joints_3d, wrong]
    write_metrics(path, as_poses(poses), flows, truth, provenance, reference=False)
    first, second, third = read_means(path)
    assert set(first) == {"n_frames", *METRICS}
    assert first["n_frames"] == T
    assert (first["mpjpe_mm"], second["mpjpe_mm"]) == pytest.approx((0, 1))
    assert third["mpjpe_mm"] == second["mpjpe_mm"], "the last pose stands for later cycles"
    assert (first["epe_px"], second["epe_px"]) == pytest.approx((4, 0), abs=1e-6)
    with stage_files.opened(path) as h5:
        assert stage_files.text(h5["cycle_1/mpjpe_mm"], "unit") == "mm"
        assert stage_files.joint_names(h5["cycle_0"], "mpjpe_mm") == METRO_14.joints


def test_means_leave_out_what_is_not_valid(tmp_path, truth, stored_flows, provenance):
    joints = truth.joints_3d.copy()
    joints[3:, 13, 0] += 0.014
    truth.joints_3d[:3] = np.nan
    truth.joints_2d[:, 3] -= [99, 0]
    truth.joints_2d[2, 4] = -77, 5
    path = tmp_path / "metrics.h5"
    write_metrics(path, as_poses([joints]), stored_flows, truth, provenance, reference=False)
    means = read_means(path)[1]
    assert means["mpjpe_mm"] == pytest.approx(1)
    # One joint jumps off the image, which counts; joints off the image do not.
    jump = np.linalg.norm(truth.joints_2d[2, 4] - truth.joints_2d[1, 4] - [1, 0.5])
    assert means["epe_px"] == pytest.approx(jump / (5 * 13 - 1), rel=1e-3)


def test_a_mean_of_nothing_is_nan(tmp_path, truth, stored_flows, provenance):
    truth.joints_2d[:] = np.nan
    path = tmp_path / "metrics.h5"
    write_metrics(
        path, as_poses([truth.joints_3d]), stored_flows, truth, provenance, reference=False
    )
    means = read_means(path)[0]
    assert np.isnan(means["epe_px"])
    assert np.isnan(means["epe_reference"])


def test_a_later_cycle_may_not_lose_joints(tmp_path, truth, stored_flows, provenance):
    """Or its errors would be averaged over fewer, easier ones."""
    lost = truth.joints_3d.copy()
    lost[1, 2] = np.nan
    poses = [truth.joints_3d, lost]
    with pytest.raises(InputError, match="the pose of cycle 1 lacks joints"):
        write_metrics(
            tmp_path / "m.h5", as_poses(poses), stored_flows, truth, provenance, reference=False
        )


def test_poses_of_another_length_than_the_truth_are_refused(
    tmp_path, truth, stored_flows, provenance
):
    path = tmp_path / "metrics.h5"
    with pytest.raises(InputError, match=r"metrics.h5: poses of shape \(5, 14, 3\), truth of"):
        poses = [truth.joints_3d[:5]]
        write_metrics(path, as_poses(poses), stored_flows, truth, provenance, reference=False)
    assert not path.exists()


def test_flows_of_another_length_than_the_truth_are_refused(
    tmp_path, truth, stored_flows, provenance
):
    path, short = tmp_path / "metrics.h5", Truth(truth.joints_3d[:4], truth.joints_2d[:4], ())
    poses = [short.joints_3d]
    with pytest.raises(InputError, match=r"flow_0.h5: 5 fields for 4 frames of the truth"):
        write_metrics(path, as_poses(poses), stored_flows, short, provenance, reference=False)


def test_all_cycles_count_the_joints_of_the_first_estimate(
    tmp_path, truth, stored_flows, provenance
):
    first, second = truth.joints_3d.copy(), truth.joints_3d.copy()
    first[2, 13] = np.nan
    second[2, 13] += 1
    path = tmp_path / "metrics.h5"
    write_metrics(path, as_poses([first, second]), stored_flows, truth, provenance, reference=False)
    assert [means["mpjpe_mm"] for means in read_means(path)] == pytest.approx([0, 0], abs=1e-9)


def test_frames_are_counted_where_there_is_a_truth(tmp_path, truth, stored_flows, provenance):
    path, poses = tmp_path / "metrics.h5", [truth.joints_3d.copy()]
    truth.joints_3d[4] = np.nan
    write_metrics(path, as_poses(poses), stored_flows, truth, provenance, reference=False)
    assert [means["n_frames"] for means in read_means(path)] == [T - 1] * 2
