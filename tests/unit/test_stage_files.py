"""The files of poses, keypoints and truth."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.pose.keypoint_file import Keypoints, read_keypoints, write_keypoints
from flowpose.pose.pose_file import Pose, read_pose, write_pose
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.truth_file import Truth, read_truth, write_truth
from flowpose.pose.weak_perspective import Crop
from flowpose.storage.stage_files import text


@pytest.fixture
def pose(walk, rng):
    return Pose(walk, rng.uniform(0.5, 1, (6, 3)), Crop(rng.uniform(1, 2, 6), np.ones((6, 2)), 256))


def test_a_pose_comes_back_as_it_was(tmp_path, provenance, pose):
    seen = pose.project() + 1
    write_pose(tmp_path / "pose.h5", replace(pose, seen_2d=seen), provenance, np.arange(9.0))
    again = read_pose(tmp_path / "pose.h5")
    np.testing.assert_array_equal(again.seen_2d, seen)
    np.testing.assert_array_equal(again.joints_3d, pose.joints_3d)
    np.testing.assert_array_equal(again.camera, pose.camera)
    np.testing.assert_array_equal(again.project(), pose.project())
    with h5py.File(tmp_path / "pose.h5") as h5:
        np.testing.assert_array_equal(h5["joints_2d"], pose.project())
        np.testing.assert_array_equal(h5["loss"], np.arange(9))
        assert text(h5["joints_3d"], "joints").split() == list(METRO_14.joints)
        assert text(h5["joints_3d"], "unit") == "m"


@pytest.mark.parametrize("missing", [(), (2,), (0, 5)])
def test_frames_that_the_estimator_lacks_are_remembered(tmp_path, provenance, pose, missing):
    write_pose(tmp_path / "pose.h5", replace(pose, missing=missing), provenance)
    again = read_pose(tmp_path / "pose.h5")
    assert (again.missing, again.seen_2d) == (missing, None)


def test_a_pose_of_another_shape_is_refused(tmp_path, provenance, pose):
    path = tmp_path / "pose.h5"
    write_pose(path, pose, provenance)
    with h5py.File(path, "r+") as h5:
        joints = h5["joints_3d"][:5]
        del h5["joints_3d"]
        h5["joints_3d"] = joints
    with pytest.raises(InputError, match=r"pose.h5: joints_3d: expected shape \(6, 14, 3\)"):
        read_pose(path)


def test_keypoints_come_back_as_they_were(tmp_path, provenance, rng):
    keypoints = Keypoints(rng.uniform(0, 99, (6, 14, 2)), rng.uniform(size=(6, 14)))
    keypoints.joints_2d[2, 3] = np.nan
    write_keypoints(tmp_path / "keypoints.h5", keypoints, provenance)
    again = read_keypoints(tmp_path / "keypoints.h5")
    np.testing.assert_array_equal(again.joints_2d, keypoints.joints_2d)
    np.testing.assert_array_equal(again.confidence, keypoints.confidence)


def test_keypoints_weigh_where_they_are_sure_enough_and_known():
    keypoints = Keypoints(np.zeros((1, 14, 2)), np.full((1, 14), 0.7))
    keypoints.confidence[0, :4] = 0, 0.2, 0.5, 0.51
    keypoints.joints_2d[0, 5, 1] = np.nan
    for least, without in ((0, {0, 5}), (0.5, {0, 1, 5}), (1, set(range(14)))):
        weights = keypoints.weights(least)
        assert set(np.flatnonzero(weights[0] == 0)) == without
        assert set(weights[0]) <= {0, 1}


def test_truth_comes_back_as_it_was_with_masks_of_what_is_known(tmp_path, provenance, walk, rng):
    truth = Truth(
        walk, rng.uniform(0, 99, (6, 3, 2)), ("nose", "l_hip", "r_hip"), np.arange(6) / 12.5
    )
    truth.joints_3d[1, 2], truth.joints_2d[3, 0] = np.nan, np.nan
    write_truth(tmp_path / "truth.h5", truth, provenance)
    again = read_truth(tmp_path / "truth.h5")
    np.testing.assert_array_equal(again.joints_3d, truth.joints_3d)
    np.testing.assert_array_equal(again.joints_2d, truth.joints_2d)
    np.testing.assert_array_equal(again.time, truth.time)
    assert again.names_2d == truth.names_2d
    with h5py.File(tmp_path / "truth.h5") as h5:
        assert np.argwhere(~h5["valid_joints_3d"][()]).tolist() == [[1, 2]]
        assert np.argwhere(~h5["valid_joints_2d"][()]).tolist() == [[3, 0]]
