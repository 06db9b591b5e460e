import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.evaluation.flow_metrics import FLOW_METRICS
from flowpose.evaluation.pose_metrics import POSE_METRICS
from flowpose.evaluation.sequence_scores import METRICS, ScoreFiles, read_sequence_scores


def test_a_cycle_without_a_pose_of_its_own_has_the_last_one(score_files):
    scores = read_sequence_scores(score_files("walk", poses=[4, 2], flows=[9, 8, 7]))
    cycles = [{name: scores.mean() for name, scores in cycle.items()} for cycle in scores.cycles()]
    assert [list(cycle) for cycle in cycles] == [[metric.name for metric in METRICS]] * 3
    assert [cycle["mpjpe_mm"] for cycle in cycles] == [4, 2, 2]
    assert [cycle["epe_px"] for cycle in cycles] == [9, 8, 7]


def test_more_than_ten_poses_are_in_their_order(score_files):
    means = list(range(12))
    scores = read_sequence_scores(score_files("walk", poses=means, flows=means))
    assert [cycle["mpjpe_mm"].mean() for cycle in scores.cycles()] == means


@pytest.mark.parametrize(
    ("metric", "means"), [(POSE_METRICS[0], [4, 2]), (FLOW_METRICS[0], [9, 8, 7])]
)
def test_a_metric_has_a_history_of_poses_or_flows(score_files, metric, means):
    scores = read_sequence_scores(score_files("walk", poses=[4, 2], flows=[9, 8, 7]))
    assert [stage.mean() for stage in scores.history(metric)] == means


def test_which_frames_are_scored_is_kept(score_files):
    files = score_files("walk", poses=[4], flows=[9, 8], n_frames=5, n_scored=3)
    scored = read_sequence_scores(files).scored
    np.testing.assert_array_equal(scored, [True, True, True, False, False])


def test_a_failure_of_any_file_is_that_of_the_sequence(score_files, failed_files, tmp_path):
    assert score_files("walk", poses=[1], flows=[1]).failure() is None
    assert failed_files("sit", "no such video").failure() == "no such video"
    with pytest.raises(InputError, match=r"none.h5: no such file"):
        ScoreFiles(tmp_path / "none.h5", ()).failure()
