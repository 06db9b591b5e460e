import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.evaluation.pose_metrics import POSE_METRICS
from flowpose.evaluation.pose_scores import used_detections, write_pose_scores
from flowpose.evaluation.score_files import read_scores
from flowpose.pose.keypoint_file import Keypoints
from flowpose.pose.pose_file import Pose
from flowpose.pose.repairs import Repairs
from flowpose.pose.skeletons import LENGTH_BONES, METRO_14
from flowpose.pose.truth_file import Truth
from flowpose.pose.weak_perspective import Crop
from flowpose.storage import stage_files

T = 6


@pytest.fixture
def truth(walk):
    return Truth(walk.copy(), np.full((T, 14, 2), np.nan), METRO_14.joints, np.arange(T) / 10)


@pytest.fixture
def written(tmp_path, truth, provenance):
    """Writes the scores of poses; which frames are scored, and each pose's scores."""

    def run(*joints, missing=(), detections=None):
        poses = [
            Pose(x, np.ones((len(x), 3)), Crop.whole_image(len(x), 64, 64), missing) for x in joints
        ]
        path = tmp_path / "pose_scores.h5"
        t = np.arange(T)
        marks = [{"repaired": t < k, "masked": t > k} for k in range(len(poses))]
        seen = np.full((T, 14, 2), np.nan) if detections is None else detections
        write_pose_scores(path, poses, marks, truth, seen, provenance)
        with stage_files.opened(path) as h5:
            groups = [h5[f"pose_{k}"] for k in range(len(poses))]
            return stage_files.read(h5, "scored"), [read_scores(g, POSE_METRICS) for g in groups]

    return run


def test_every_pose_has_all_scores(tmp_path, truth, written):
    wrong = truth.joints_3d.copy()
    wrong[:, 13, 0] += 0.014
    scored, (first, second) = written(truth.joints_3d, wrong)
    assert list(first) == list(second) == [metric.name for metric in POSE_METRICS]
    means = [scores["mpjpe_mm"].mean() for scores in (first, second)]
    assert means == pytest.approx([0, 1])
    assert scored.tolist() == [True] * T
    with stage_files.opened(tmp_path / "pose_scores.h5") as h5:
        assert stage_files.text(h5["pose_1/mpjpe_mm"], "unit") == "mm"
        assert stage_files.text(h5["pose_1/accel_mm"], "unit") == "mm/frame²"
        assert stage_files.joint_names(h5["pose_0"], "mpjpe_mm") == METRO_14.joints
        assert stage_files.read(h5["pose_1"], "repaired").tolist() == [True] + [False] * 5
        assert stage_files.read(h5["pose_1"], "masked").tolist() == [False] * 2 + [True] * 4
    assert second["accel_m_s2"].unit == "m/s²"
    np.testing.assert_allclose(
        second["accel_m_s2"].values, second["accel_mm"].values / 1000 * 10**2
    )


def test_a_frame_is_scored_where_its_joints_and_hips_are_known(truth, written):
    """Neither where the truth is unknown or lacks a hip, nor where the estimate is interpolated."""
    joints = truth.joints_3d.copy()
    truth.joints_3d[4] = np.nan
    truth.joints_3d[1, 2] = np.nan
    truth.joints_3d[3, 5:] = np.nan
    scored, (scores,) = written(joints, missing=(0,))
    assert scored.tolist() == [False, False, True, True, False, True]
    assert (scores["mpjpe_mm"].valid.any(1) == scored).all()


def test_a_later_pose_may_not_lose_joints(truth, written):
    """Or its errors would be averaged over fewer, easier ones."""
    lost = truth.joints_3d.copy()
    lost[1, 2] = np.nan
    with pytest.raises(InputError, match="the pose of cycle 1 lacks joints"):
        written(truth.joints_3d, lost)


@pytest.mark.parametrize("poses", [(5,), (T, 5)])
def test_poses_of_another_length_than_the_truth_are_refused(tmp_path, truth, written, poses):
    with pytest.raises(InputError, match=r"pose_scores.h5: poses of shape \(5, 14, 3\), truth of"):
        written(*(truth.joints_3d[:n] for n in poses))
    assert not (tmp_path / "pose_scores.h5").exists()


def test_all_poses_count_the_joints_of_the_first(truth, written):
    first, second = truth.joints_3d.copy(), truth.joints_3d.copy()
    first[2, 13] = np.nan
    second[2, 13] += 1
    _, scores = written(first, second)
    assert [s["mpjpe_mm"].mean() for s in scores] == pytest.approx([0, 0], abs=1e-9)
    assert [s["pck_150_percent"].mean() for s in scores] == [100, 100]


def test_the_motion_in_the_picture_is_compared_where_the_truth_names_the_joint(truth, written):
    """The first pose moves by the crop's px; the truth knows one joint, which moves by (3, 4)."""
    still = np.repeat(truth.joints_3d[:1], T, axis=0)
    joint = METRO_14.index["l_wrist"]
    truth.joints_2d[:, joint] = np.arange(T)[:, None] * np.array([3.0, 4])
    truth.joints_2d[2, joint] = np.nan
    _, (scores,) = written(still, missing=(5,))
    expected = np.zeros((T - 1, 14), bool)
    expected[[0, 3], joint] = True
    np.testing.assert_array_equal(scores["motion_px"].valid, expected)
    np.testing.assert_allclose(scores["motion_px"].values[expected], 5, rtol=1e-5)


def test_without_any_truth_a_pose_has_what_can_be_said_of_it_alone(tmp_path, truth, written):
    """All poses are compared with the same detections, where these count; bones have names."""
    joints = truth.joints_3d.copy()
    truth.joints_3d[:] = np.nan
    crop = Crop.whole_image(T, 64, 64)
    detections = Pose(joints, np.ones((T, 3)), crop).project() + np.array([3.0, 4.0])
    detections[2, 5] = np.nan
    scored, all_scores = written(joints, joints, missing=(0,), detections=detections)
    assert not scored.any()
    for scores in all_scores:
        seen = scores["pose_detections_px"]
        assert seen.mean() == pytest.approx(5, rel=1e-5) and seen.valid.sum() == (T - 1) * 14 - 1
        assert scores["bone_sd_mm"].values.shape == (1, len(LENGTH_BONES))
        known = [name for name, of in scores.items() if of.valid.any()]
        assert known == ["pose_detections_px", "bone_sd_mm", "pose_accel_m_s2", "pose_jerk_m_s3"]
    with stage_files.opened(tmp_path / "pose_scores.h5") as h5:
        assert stage_files.joint_names(h5["pose_1"], "bone_sd_mm")[0] == "r_ankle-r_knee"
        assert stage_files.text(h5["pose_1/bone_sd_mm"], "axes") == "sequence bone"


def test_detections_are_used_as_the_repair_left_them(rng):
    """Exchanged back, without those that jump, that are unsure or that are none."""
    points, sure = rng.uniform(0, 99, (T, 14, 2)), np.full((T, 14), 0.9)
    sure[4, 2] = 0.3
    points[5, 3] = np.nan
    arms, masked = np.zeros((T, 2), bool), np.zeros((T, 14), bool)
    arms[1, 1] = masked[3, 7] = True
    repairs = Repairs(arms, np.zeros((T, 2), bool), masked)
    used = used_detections(Keypoints(points, sure), 0.5, repairs)
    left, right = METRO_14.index["l_wrist"], METRO_14.index["r_wrist"]
    np.testing.assert_array_equal(used[1, left], points[1, right])
    np.testing.assert_array_equal(used[1, :6], points[1, :6])
    np.testing.assert_array_equal(used[[0, 2]], points[[0, 2]])
    assert np.argwhere(np.isnan(used[..., 0])).tolist() == [[3, 7], [4, 2], [5, 3]]
    raw = used_detections(Keypoints(points, sure), 0, None)
    np.testing.assert_array_equal(raw, points)
