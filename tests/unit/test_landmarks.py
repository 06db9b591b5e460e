"""The landmarks that the workflow estimates itself: their file and its reader."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.pose.landmarks_file import Landmarks, read_landmarks, write_landmarks
from flowpose.pose.skeletons import METRO_14, Skeleton, convert
from flowpose.readers.landmarks import read_detections, read_joints
from flowpose.readers.mediapipe import MEDIAPIPE_33
from flowpose.storage.stage_files import text

F, SIZE = 6, (640, 480)


@pytest.fixture
def landmarks(rng):
    """Nobody was found in frames 0 and 3."""
    world = rng.normal(0, 0.4, (F, 33, 3)).astype(np.float32)
    pixels = 150 * world[..., :2] + np.float32([250, 240])
    confidence = rng.uniform(0.1, 1, (F, 33)).astype(np.float32)
    world[[0, 3]], pixels[[0, 3]], confidence[[0, 3]] = np.nan, np.nan, 0
    return Landmarks(pixels, world, confidence, MEDIAPIPE_33, SIZE, "Estimator 1.0")


def test_joints_that_are_not_used_may_be_unknown(landmarks):
    """Nor is the rest of the body known where one that is used is not."""
    landmarks.joints_3d[:, MEDIAPIPE_33.index["nose"]] = np.nan
    landmarks.joints_2d[:, MEDIAPIPE_33.index["nose"]] = np.nan
    landmarks.joints_3d[1, MEDIAPIPE_33.index["l_ear"]] = np.nan
    landmarks.joints_2d[2] = np.nan
    landmarks.joints_2d[2, MEDIAPIPE_33.index["nose"]] = 7
    assert landmarks.joints("landmarks.h5").frames.tolist() == [4, 5]


@pytest.mark.parametrize("size", [SIZE, None])
def test_landmarks_come_back_as_they_were(tmp_path, provenance, landmarks, size):
    write_landmarks(tmp_path / "landmarks.h5", replace(landmarks, image_size=size), provenance)
    again = read_landmarks(tmp_path / "landmarks.h5")
    for name in ("joints_2d", "joints_3d", "confidence"):
        np.testing.assert_array_equal(getattr(again, name), getattr(landmarks, name))
    assert (again.image_size, again.estimator) == (size, "Estimator 1.0")
    assert again.skeleton.joints == MEDIAPIPE_33.joints
    np.testing.assert_array_equal(
        convert(again.joints_3d, again.skeleton, METRO_14),
        convert(landmarks.joints_3d, MEDIAPIPE_33, METRO_14),
    )
    with h5py.File(tmp_path / "landmarks.h5") as h5:
        assert [text(h5[name], "unit") for name in ("joints_2d", "joints_3d")] == ["px", "m"]


def test_frames_in_which_nobody_was_found_are_no_estimates(tmp_path, provenance, landmarks):
    file = tmp_path / "landmarks.h5"
    write_landmarks(file, landmarks, provenance)
    detections, joints = read_detections(file), read_joints(file)
    found = [1, 2, 4, 5]
    assert joints.frames.tolist() == found
    np.testing.assert_array_equal(joints.points, landmarks.joints_3d[found])
    np.testing.assert_array_equal(joints.picture, landmarks.joints_2d[found])
    assert detections.frames.tolist() == list(range(F))
    np.testing.assert_array_equal(detections.confidence, landmarks.confidence)
    for read in (detections, joints):
        assert (read.n_frames, read.image_size, read.numbering) == (F, SIZE, "video")


def test_a_file_of_another_shape_is_refused(tmp_path, provenance, landmarks):
    file = tmp_path / "landmarks.h5"
    write_landmarks(file, landmarks, provenance)
    with h5py.File(file, "r+") as h5:
        del h5["confidence"]
        h5["confidence"] = np.ones((5, 33))
    with pytest.raises(InputError, match=r"landmarks.h5: confidence: expected shape \(6, 33\)"):
        read_detections(file)


@pytest.mark.parametrize(
    ("joints", "neck", "head"),
    [
        ("l_shoulder r_shoulder l_ear r_ear", 0.5, 2.5),
        ("l_shoulder r_shoulder neck head l_ear r_ear", 2, 3),
        ("l_shoulder nose r_ear", None, None),
    ],
)
def test_neck_and_head_are_between_shoulders_and_ears_where_not_named(joints, neck, head):
    skeleton = Skeleton.with_middles("own", tuple(joints.split()))
    points = convert(np.arange(len(skeleton))[:, None] * np.ones(2), skeleton, METRO_14)
    for name, expected in (("neck", neck), ("head", head)):
        wanted = np.nan if expected is None else expected
        np.testing.assert_array_equal(points[METRO_14.index[name]], wanted)
