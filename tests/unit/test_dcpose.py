import json

import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.readers.dcpose import DCPOSE_17, read_detections


def person(x=0.0):
    """17 keypoints, of which number j is at (j + 1, 2 j + 1), shifted to the right."""
    return np.array([[j + 1 + x, 2 * j + 1, 0.9] for j in range(17)])


def read(tmp_path, detections):
    info = [
        {"image_path": f"in put/seq.1/{t:08}.jpg", "keypoints": np.asarray(k).tolist()}
        for t, k in detections
    ]
    (tmp_path / "d.json").write_text(json.dumps({"Info": info}))
    return read_detections(tmp_path / "d.json")


def test_entries_go_by_the_number_in_their_path(tmp_path):
    """A frame may have several or none, and the order of the file is of no importance."""
    found = read(tmp_path, [(2, person(20)), (0, person()), (2, person(50))])
    assert (found.frames.tolist(), found.numbering, found.n_frames) == ([2, 0, 2], "used", None)
    np.testing.assert_array_equal(found.points[:, 9], [[30, 19], [10, 19], [60, 19]])
    assert found.skeleton == DCPOSE_17 and (found.confidence == 1).all()


def test_a_joint_at_the_origin_was_not_detected(tmp_path):
    seen = person()
    seen[9, :2] = 0, 0
    seen[10, :2] = 0, 5
    confidence = read(tmp_path, [(0, seen)]).confidence[0]
    assert (confidence[9], confidence[10], confidence.sum()) == (0, 1, 16)


def test_a_file_without_detections_has_no_rows(tmp_path):
    found = read(tmp_path, [])
    assert found.points.shape == (0, 17, 2) and found.confidence.shape == (0, 17)


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
        read_detections(tmp_path / "d.json")
