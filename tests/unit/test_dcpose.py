import json

import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.pose.skeletons import DCPOSE_17, METRO_14, convert
from flowpose.readers.dcpose import read_dcpose

LACKING = [METRO_14.index[name] for name in ("r_hip", "l_hip", "neck", "head")]


def person(x=0.0):
    """17 keypoints, of which number j is at (j + 1, 2 j + 1), shifted to the right."""
    return np.array([[j + 1 + x, 2 * j + 1, 0.9] for j in range(17)])


def near(*xs):
    """Where such people project to, as the estimated pose says."""
    pixels = convert(np.stack([person(x)[:, :2] for x in xs]), DCPOSE_17, METRO_14)
    return np.nan_to_num(pixels, nan=20.0)


def read(tmp_path, detections, poses):
    info = [
        {"image_path": f"in put/seq.1/{t:08}.jpg", "keypoints": np.asarray(k).tolist()}
        for t, k in detections
    ]
    (tmp_path / "d.json").write_text(json.dumps({"Info": info}))
    return read_dcpose(tmp_path / "d.json", poses)


def test_joints_are_mapped_and_those_it_lacks_weigh_nothing(tmp_path):
    keypoints = read(tmp_path, [(0, person()), (1, person(10))], near(0, 10))
    left_wrist = METRO_14.index["l_wrist"]
    np.testing.assert_array_equal(keypoints.joints_2d[:, left_wrist], [[10, 19], [20, 19]])
    weights = keypoints.weights(0)
    assert (weights[:, LACKING] == 0).all() and weights.sum() == 2 * 10


def test_a_joint_at_the_origin_was_not_detected(tmp_path):
    seen = person()
    seen[9, :2] = 0, 0
    seen[10, :2] = 0, 5
    weights = read(tmp_path, [(0, seen)], near(0)).weights(0)[0]
    assert weights[METRO_14.index["l_wrist"]] == 0
    assert weights[METRO_14.index["r_wrist"]] == 1


def test_entries_go_by_the_number_in_their_path(tmp_path):
    """Frame 1 has none, and the order of the file is of no importance."""
    keypoints = read(tmp_path, [(2, person(20)), (0, person())], near(0, 10, 20))
    nose = METRO_14.index["l_wrist"]
    np.testing.assert_array_equal(keypoints.joints_2d[[0, 2], nose, 0], [10, 30])
    assert keypoints.confidence[1].sum() == 0 and keypoints.confidence[0].sum() == 10


def test_frames_may_be_counted_from_one(tmp_path):
    keypoints = read(tmp_path, [(1, person()), (2, person(10))], near(0, 10))
    np.testing.assert_array_equal(keypoints.joints_2d[:, METRO_14.index["l_wrist"], 0], [10, 20])


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_people_the_one_nearest_to_the_pose_is_taken(tmp_path, order):
    people = [(0, person()), (0, person(200)), (1, person(10))]
    keypoints = read(tmp_path, people[::order], near(0, 10))
    np.testing.assert_array_equal(keypoints.joints_2d[:, METRO_14.index["l_wrist"], 0], [10, 20])


@pytest.mark.parametrize(
    ("detections", "message"),
    [
        ([], "detections in 0 of the 4 frames that are used"),
        ([(0, person())], "detections in 1 of the 4 frames that are used"),
        ([(t, person(200)) for t in range(4)], "detections lie .* of the person's size from where"),
    ],
)
def test_detections_of_another_sequence_are_refused(tmp_path, detections, message):
    with pytest.raises(InputError, match=rf"d\.json: {message}.*another sequence"):
        read(tmp_path, detections, near(0, 0, 0, 0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "no result file of DCPose"),
        ("[", "no result file of DCPose"),
        ('{"Info": [{"keypoints": [[1, 2]]}]}', "no result file of DCPose: KeyError"),
        ('{"Info": [{"image_path": "a/b.jpg", "keypoints": []}]}', "no result file of DCPose"),
        (
            '{"Info": [{"image_path": "a/1.jpg", "keypoints": [[1, 2, 3]]}]}',
            "no result file of DCPose",
        ),
    ],
)
def test_what_is_no_result_is_named(tmp_path, text, message):
    (tmp_path / "d.json").write_text(text)
    with pytest.raises(InputError, match=rf"d\.json: {message}"):
        read_dcpose(tmp_path / "d.json", near(0, 0, 0))
