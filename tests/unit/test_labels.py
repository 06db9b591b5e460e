import numpy as np
import pytest

from flowpose.datasets import unlabelled
from flowpose.errors import InputError
from flowpose.pose.labels import Labels, assemble_truth
from flowpose.pose.skeletons import METRO_14, Skeleton
from flowpose.video.decoding import VideoInfo
from flowpose.video.frames_file import FramesHeader, View

F = 6
OTHER = Skeleton("other", (*reversed(METRO_14.joints), "tail"))
LIMBS = Skeleton("limbs", ("l_wrist", "r_ankle"))


def header(*index):
    view = View.of((1000, 800), (100, 200, 600, 400), 300)
    index = np.array(index)
    return FramesHeader(index, index / 30, VideoInfo((1000, 800), 30.0, 99), view)


@pytest.fixture
def labels(rng):
    return Labels(
        "m.npz", rng.normal(size=(F, 15, 3)), OTHER, rng.normal(500, 100, (F, 2, 2)), LIMBS
    )


def test_truth_is_of_metros_joints_in_px_of_the_frames_used(labels):
    true = assemble_truth(labels, header(0, 2, 5))
    np.testing.assert_array_equal(true.joints_3d, labels.joints_3d[[0, 2, 5], 13::-1])
    expected = (labels.joints_2d[[0, 2, 5]] - [100, 200] + 0.5) / 2 - 0.5
    np.testing.assert_allclose(true.joints_2d, expected)
    assert true.names_2d == LIMBS.joints
    np.testing.assert_array_equal(true.time, np.array([0, 2, 5]) / 30)


def test_2d_joints_of_metro_are_found_by_their_names(labels):
    true = assemble_truth(labels, header(0, 2, 5))
    joints = true.metro_joints_2d()
    for joint, name in enumerate(METRO_14.joints):
        if name in LIMBS.index:
            np.testing.assert_array_equal(joints[:, joint], true.joints_2d[:, LIMBS.index[name]])
        else:
            assert np.isnan(joints[:, joint]).all()


def test_labels_of_too_few_frames_are_refused(labels):
    with pytest.raises(InputError, match=r"m.npz: labels of 6 frames, frame 6 of the video's 99"):
        assemble_truth(labels, header(0, 3, 6))


def test_without_labels_nothing_is_known():
    true = assemble_truth(unlabelled.read_labels(), header(0, 50, 98))
    assert true.joints_3d.shape == (3, 14, 3) and true.joints_2d.shape == (3, 14, 2)
    assert np.isnan(true.joints_3d).all() and np.isnan(true.joints_2d).all()
