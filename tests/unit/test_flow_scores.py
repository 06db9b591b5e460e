import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.evaluation.flow_metrics import FLOW_METRICS
from flowpose.evaluation.flow_scores import write_flow_scores
from flowpose.evaluation.score_files import read_scores
from flowpose.flow.field_writing import write_flows
from flowpose.flow.true_flow_file import TrueField, write_true_flow
from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.truth_file import Truth
from flowpose.pose.weak_perspective import Crop
from flowpose.storage import stage_files

T, HEIGHT, WIDTH = 6, 30, 40


def pose_at(pixels, missing=()):
    """A pose whose joints are at these px: the camera and crop take metres for px."""
    n = len(pixels)
    joints = np.dstack([pixels, np.zeros((n, 14))])
    crop = Crop(np.full(n, 112.0), np.zeros((n, 2)))
    return Pose(joints, np.tile([1.0, 0, 0], (n, 1)), crop, missing)


STILL = pose_at(np.zeros((T, 14, 2)))


@pytest.fixture
def truth(rng):
    """Joints that all move by (1, 0.5) px a frame, on the image."""
    start = rng.uniform(5, 20, (14, 2))
    joints_2d = start + np.arange(T)[:, None, None] * np.array([1, 0.5])
    return Truth(np.full((T, 14, 3), np.nan), joints_2d, METRO_14.joints, np.arange(T) / 10)


@pytest.fixture
def written(tmp_path, provenance):
    """Writes the scores of a flow that is off by (4, 0) px; these."""
    flows = tmp_path / "flow_0.h5"
    write_flows(
        flows,
        np.tile(np.float32([5, 0.5]), (T - 1, HEIGHT, WIDTH, 1)),
        (T - 1, HEIGHT, WIDTH),
        provenance,
        lossless=False,
        precision="exact",
        device="cpu",
    )

    def run(truth, *, pose=STILL, true_flow=None, reference=False):
        path = tmp_path / "flow_scores_0.h5"
        write_flow_scores(path, flows, truth, pose, true_flow, provenance, reference=reference)
        with stage_files.opened(path) as h5:
            return read_scores(h5, FLOW_METRICS)

    return run


def test_the_file_has_all_scores(tmp_path, truth, written):
    scores = written(truth)
    assert list(scores) == [metric.name for metric in FLOW_METRICS]
    assert scores["epe_px"].mean() == pytest.approx(4)
    assert scores["epe_px"].values.shape == (T - 1, 14)
    assert scores["epe_reference"].values.shape == (T - 1,)
    assert scores["epe_height_percent"].values.shape == (T - 1, 14)
    with stage_files.opened(tmp_path / "flow_scores_0.h5") as h5:
        assert stage_files.text(h5["epe_px"], "unit") == "px"
        assert stage_files.joint_names(h5, "epe_px") == METRO_14.joints


def test_means_leave_out_what_is_not_valid(truth, written):
    truth.joints_2d[:, 3] -= [99, 0]
    truth.joints_2d[2, 4] = -77, 5
    # One joint jumps off the image, which counts; joints off the image do not.
    jump = np.linalg.norm(truth.joints_2d[2, 4] - truth.joints_2d[1, 4] - [5, 0.5])
    expected = (4 * (5 * 13 - 2) + jump) / (5 * 13 - 1)
    assert written(truth)["epe_px"].mean() == pytest.approx(expected, rel=1e-3)


def test_the_reference_counts_joints_beyond_the_left_border(truth, written):
    truth.joints_2d[0, 4, 0] = -3
    per_pair = [written(truth, reference=r)["epe_reference"].values[0] for r in (False, True)]
    assert per_pair[1] > per_pair[0] + 0.1


def test_a_mean_of_nothing_is_nan(truth, written):
    truth.joints_2d[:] = np.nan
    nowhere = pose_at(np.zeros((T, 14, 2)), missing=tuple(range(T)))
    means = [scores.mean() for scores in written(truth, pose=nowhere).values()]
    np.testing.assert_array_equal(means, [np.nan] * len(FLOW_METRICS))


def test_pose_and_flow_agree_where_the_pose_moves_as_the_flow_says(tmp_path, truth, written):
    """Whatever the truth; off by (3, 4) px where a joint moves otherwise, in that pair."""
    pixels = np.tile(np.arange(T)[:, None, None] * np.array([5, 0.5]) + 8, (1, 14, 1))
    agreeing = written(truth, pose=pose_at(pixels))["pose_flow_px"]
    assert agreeing.valid.all() and agreeing.values.max() < 1e-4
    pixels[3:, 2] += [3, 4]
    scores = written(truth, pose=pose_at(pixels, missing=(0,)))
    expected = np.zeros((T - 1, 14))
    expected[2, 2] = 5
    np.testing.assert_allclose(scores["pose_flow_px"].values[1:], expected[1:], atol=1e-4)
    assert not scores["pose_flow_px"].valid[0].any() and scores["pose_flow_px"].valid[1:].all()
    # All joints but one are one point: its box is 4 px high from then on.
    of_height = scores["pose_flow_height_percent"].values[2, 2]
    assert of_height == pytest.approx(100 * 5 / 4, rel=1e-4)
    with stage_files.opened(tmp_path / "flow_scores_0.h5") as h5:
        assert stage_files.joint_names(h5, "pose_flow_px") == METRO_14.joints


def test_values_at_the_pose_are_named_after_its_joints_and_others_after_the_truths(
    tmp_path, truth, written
):
    written(Truth(truth.joints_3d, truth.joints_2d[:, :2], ("a", "b"), truth.time))
    with stage_files.opened(tmp_path / "flow_scores_0.h5") as h5:
        assert stage_files.joint_names(h5, "epe_px") == ("a", "b")
        assert stage_files.joint_names(h5, "pose_flow_px") == METRO_14.joints


def test_flows_of_another_length_than_the_truth_are_refused(tmp_path, truth, written):
    short = Truth(truth.joints_3d[:4], truth.joints_2d[:4], truth.names_2d, truth.time[:4])
    with pytest.raises(InputError, match=r"flow_0.h5: 5 fields for 4 frames of the truth"):
        written(short)
    with pytest.raises(InputError, match=r"a pose of 3 frames, 6 frames of the truth"):
        written(truth, pose=pose_at(np.zeros((3, 14, 2))))
    assert not (tmp_path / "flow_scores_0.h5").exists()


@pytest.fixture
def true_flow(tmp_path, provenance):
    """Writes a true flow that moves a person's left half of the picture by (5, 3.5) px."""

    def run(n):
        person = np.arange(WIDTH) < WIDTH // 2
        flow = np.where(person[:, None], np.float32([5, 3.5]), np.float32([5, 0.5]))
        field = TrueField(np.tile(flow, (HEIGHT, 1, 1)), np.tile(person, (HEIGHT, 1)))
        path, shape = tmp_path / "true_flow.h5", (n, HEIGHT, WIDTH)
        write_true_flow(path, [field] * n, shape, provenance, with_person=True)
        return path

    return run


def test_where_the_true_flow_is_known_parts_of_the_picture_are_scored(truth, written, true_flow):
    scores = written(truth, true_flow=true_flow(T - 1))
    means = {name: of.mean() for name, of in scores.items()}
    assert means["epe_person_px"] == pytest.approx(3)
    assert means["epe_background_px"] == pytest.approx(0)
    assert means["epe_border_px"] == means["epe_everywhere_px"] == pytest.approx(1.5)
    assert means["epe_px"] == pytest.approx(4)
    assert np.isnan(written(truth)["epe_person_px"].mean())


def test_a_true_flow_of_another_length_is_refused(truth, written, true_flow):
    with pytest.raises(InputError, match=r"true_flow.h5: 4 fields for 6 frames of the truth"):
        written(truth, true_flow=true_flow(4))
