import pytest
from human36m_files import GOLDEN

from flowpose.datasets.human36m.actions import (
    ACTIVITIES,
    activity_of,
    canonical_action,
    split_video_name,
)
from flowpose.errors import InputError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("TakingPhoto", "Photo"),
        ("TakingPhoto 1", "Photo 1"),
        ("WalkingDog 1.60457274", "WalkDog 1.60457274"),
        ("WalkingDog.60457274", "WalkDog.60457274"),
        ("Walking 1", "Walking 1"),
        ("WalkTogether", "WalkTogether"),
    ],
)
def test_an_action_gets_the_name_of_the_labels(name, expected):
    assert canonical_action(name) == expected


def test_the_data_set_has_two_actions_of_each_activity():
    activities = [activity_of(str(action)) for action in GOLDEN["actions"]]
    assert sorted(activities) == sorted(ACTIVITIES * 2)


def test_an_unknown_activity_is_named():
    with pytest.raises(InputError, match=r"action Dancing 1: expected one of Directions"):
        activity_of("Dancing 1")


def test_a_video_tells_action_and_camera():
    assert split_video_name("S9/Videos/TakingPhoto 1.60457274.mp4") == ("Photo 1", "60457274")
    assert split_video_name("Walking.54138969.mp4") == ("Walking", "54138969")


@pytest.mark.parametrize("name", ["Walking.mp4", "Walking 1.7.mp4", ".60457274.mp4"])
def test_a_video_named_otherwise_is_refused(name):
    with pytest.raises(InputError, match=r"expected a name like 'Walking 1.60457274.mp4'"):
        split_video_name(name)
