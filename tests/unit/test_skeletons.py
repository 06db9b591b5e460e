import numpy as np
import pytest

from flowpose.datasets.human36m.h36m_skeletons import H36M_17, H36M_32
from flowpose.pose.skeletons import (
    ARMS,
    FLOW_BONES,
    HIPS,
    LEGS,
    LENGTH_BONES,
    METRO_14,
    MIRRORED,
    convert,
    convert_confidence,
    sources,
)
from flowpose.readers.dcpose import DCPOSE_17
from flowpose.readers.mediapipe import MEDIAPIPE_33
from flowpose.readers.openpose import BODY_25, OPENPOSE_18

ALL = [BODY_25, OPENPOSE_18, DCPOSE_17, H36M_17, H36M_32, MEDIAPIPE_33, METRO_14]


@pytest.mark.parametrize("skeleton", ALL, ids=lambda skeleton: skeleton.name)
def test_joints_are_as_many_as_the_name_says_and_distinct(skeleton):
    assert len(skeleton) == int(skeleton.name.split("_")[1]) == len(set(skeleton.joints))


def test_metro_joints_stand_in_their_order():
    order = "r_ankle r_knee r_hip l_hip l_knee l_ankle r_wrist r_elbow r_shoulder"
    order += " l_shoulder l_elbow l_wrist neck head"
    assert METRO_14.joints == tuple(order.split())
    assert HIPS == (2, 3)


def test_bones_of_the_flow_target_are_drawn_in_the_reference_order():
    order = "0-1 1-2 2-8 5-4 4-3 3-9 12-8 12-9 9-10 10-11 8-7 7-6 12-13"
    assert tuple(tuple(map(int, bone.split("-"))) for bone in order.split()) == FLOW_BONES


def test_bones_of_constant_length_are_those_of_the_reference():
    order = "0-1 1-2 2-8 2-3 5-4 4-3 3-9 12-8 12-9 9-10 10-11 8-7 7-6 12-13 9-8"
    assert tuple(tuple(map(int, bone.split("-"))) for bone in order.split()) == LENGTH_BONES


@pytest.mark.parametrize(
    ("source", "joints"),
    [
        (H36M_32, [3, 2, 1, 6, 7, 8, 27, 26, 25, 17, 18, 19, 13, 15]),
        (H36M_17, [3, 2, 1, 4, 5, 6, 16, 15, 14, 11, 12, 13, 8, 10]),
        (DCPOSE_17, [16, 14, (), (), 13, 15, 10, 8, 6, 5, 7, 9, (), ()]),
        (MEDIAPIPE_33, [28, 26, 24, 23, 25, 27, 16, 14, 12, 11, 13, 15, (11, 12), (7, 8)]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_metro_joints_come_from_the_published_indices(source, joints):
    expected = tuple(joint if isinstance(joint, tuple) else (joint,) for joint in joints)
    assert sources(source, METRO_14) == expected


def test_convert_takes_joints_by_name_and_middles(rng):
    points = rng.normal(size=(4, 33, 3))
    converted = convert(points, MEDIAPIPE_33, METRO_14)
    assert converted.shape == (4, 14, 3)
    np.testing.assert_array_equal(converted[:, 0], points[:, 28])
    np.testing.assert_allclose(converted[:, 13], (points[:, 7] + points[:, 8]) / 2)


def test_convert_gives_nan_for_joints_that_the_source_lacks(rng):
    converted = convert(rng.normal(size=(17, 2)), DCPOSE_17, METRO_14)
    assert np.flatnonzero(np.isnan(converted).any(-1)).tolist() == [2, 3, 12, 13]


@pytest.mark.parametrize("skeleton", ALL, ids=lambda skeleton: skeleton.name)
def test_convert_to_itself_changes_nothing(skeleton, rng):
    points = rng.normal(size=(2, len(skeleton), 2))
    np.testing.assert_array_equal(convert(points, skeleton, skeleton), points)


def test_confidence_of_a_middle_is_its_worse_end_and_of_a_missing_joint_zero():
    confidence = np.linspace(0.1, 0.9, 33)
    assert convert_confidence(confidence, MEDIAPIPE_33, METRO_14)[12] == confidence[11]
    assert convert_confidence(confidence[::-1], MEDIAPIPE_33, METRO_14)[12] == confidence[::-1][12]
    ours = convert_confidence(confidence[:17], DCPOSE_17, METRO_14)
    assert ours[[2, 3, 12, 13]].tolist() == [0] * 4


def test_mirrored_joints_are_those_of_the_other_side():
    mirrored = [METRO_14.joints[joint] for joint in MIRRORED]
    assert mirrored[:3] == ["l_ankle", "l_knee", "l_hip"] and mirrored[12:] == ["neck", "head"]
    assert [MIRRORED[joint] for joint in MIRRORED] == list(range(14))
    assert sorted(LEGS + ARMS) == [joint for joint in range(14) if MIRRORED[joint] != joint]
