"""How large a person is in the picture."""

import warnings

import numpy as np
import pytest

from flowpose.adaptation.target import block_radius
from flowpose.pose.person_size import person_height


def test_height_is_that_of_the_median_frame_and_of_known_joints():
    """Boxes of 30 x 10, of 6 x 40, and of one joint; a frame without any does not count."""
    joints = np.full((4, 3, 2), np.nan)
    joints[0] = [[0, 0], [30, 5], [2, 10]]
    joints[1] = [[0, 0], [6, 40], [np.nan, 900]]
    joints[2, 1] = 7, 7
    with warnings.catch_warnings(action="error"):
        assert person_height(joints) == 30
        assert np.isnan(person_height(joints[2:3])) and np.isnan(person_height(joints[3:]))


def test_height_of_a_person_is_the_same_mirrored_and_lying_down(body):
    joints = np.tile(1000 * body[:, :2], (3, 1, 1))
    joints[1] *= 5  # one frame that is wrong
    assert person_height(joints) == pytest.approx(1590)
    assert person_height(joints * [-1, 1]) == person_height(joints[..., ::-1]) == 1590


def test_blocks_of_a_person_without_a_height_are_small():
    assert block_radius(np.ones((3, 14, 2)), radius=15, person_height=500) == 1
