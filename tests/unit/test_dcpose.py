import json

import numpy as np
import pytest

from flowpose.dcpose import read_dcpose
from flowpose.errors import InputError
from flowpose.skeletons import METRO_14


def write(path, keypoints):
    info = [{"image_path": f"x/{t:08}.jpg", "keypoints": k} for t, k in enumerate(keypoints)]
    path.write_text(json.dumps({"Info": info}))


def detection(offset=0):
    """17 keypoints, of which number j is at (j + 1, 2 j + 1), shifted."""
    return [[j + 1 + offset, 2 * j + 1, 0.9] for j in range(17)]


def test_joints_are_mapped_and_those_it_lacks_weigh_nothing(tmp_path):
    write(tmp_path / "d.json", [detection(), detection(10)])
    keypoints = read_dcpose(tmp_path / "d.json", 2)
    left_wrist = METRO_14.index["l_wrist"]
    np.testing.assert_array_equal(keypoints.joints_2d[:, left_wrist], [[10, 19], [20, 19]])
    lacking = [METRO_14.index[name] for name in ("r_hip", "l_hip", "neck", "head")]
    weights = keypoints.weights(0)
    assert (weights[:, lacking] == 0).all() and weights.sum() == 2 * 10


def test_a_joint_at_the_origin_was_not_detected(tmp_path):
    seen = detection()
    seen[9][:2] = 0, 0
    seen[10][:2] = 0, 5
    write(tmp_path / "d.json", [seen])
    weights = read_dcpose(tmp_path / "d.json", 1).weights(0)[0]
    assert weights[METRO_14.index["l_wrist"]] == 0
    assert weights[METRO_14.index["r_wrist"]] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "no result file of DCPose"),
        ("[", "no result file of DCPose"),
        ('{"Info": [{"keypoints": [[1, 2]]}]}', "expected 3 entries of 17 keypoints"),
        ('{"Info": []}', "expected 3 entries of 17 keypoints"),
    ],
)
def test_what_is_no_result_is_named(tmp_path, text, message):
    (tmp_path / "d.json").write_text(text)
    with pytest.raises(InputError, match=rf"d\.json: {message}"):
        read_dcpose(tmp_path / "d.json", 3)
