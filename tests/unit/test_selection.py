"""Which frames are used, of a video whose frames' times are known."""

import numpy as np
import pytest

from flowpose.video.selection import frames_by_time

ALL = {"first": 0, "step": 1, "count": None, "rate": None, "start": None, "end": None}
# 30 frames a second for 3 s, then 10 for 2 s.
SLOWING = np.concatenate([np.arange(90) / 30, 3 + np.arange(20) / 10])


def used(times=SLOWING, **changes):
    return list(frames_by_time(times, **ALL | changes))


def test_frames_from_a_time_on_and_before_another_are_used():
    assert used(start=1, end=2) == list(range(30, 60))
    assert used(start=1.001, end=2.001) == list(range(31, 61))
    assert used(start=3.0) == list(range(90, 110))
    assert used(end=0.1) == [0, 1, 2]
    assert used(start=9) == used(start=2, end=1) == []


def test_first_step_and_count_are_of_the_part_that_is_used():
    assert used(start=1, end=2, first=2, step=10) == [32, 42, 52]
    assert used(start=1, step=7, count=3) == [30, 37, 44]


@pytest.mark.parametrize(
    ("rate", "part", "step"),
    [
        (10, {"end": 3}, 3),
        (10, {"start": 3}, 1),
        (30, {"end": 3}, 1),
        (100, {"end": 3}, 1),
        (12, {"end": 3}, 2),
        (8, {"end": 3}, 4),
        # All of it has 109 frames in 4.9 s.
        (10, {}, 2),
    ],
)
def test_a_rate_is_met_as_nearly_as_whole_steps_can(rate, part, step):
    frames = used(rate=rate, step=None, **part)
    assert set(np.diff(frames)) == {step}


def test_a_frame_rate_of_television_gives_even_steps():
    frames = used(np.arange(3000) * 1001 / 30000, rate=10, step=None)
    assert frames == list(range(0, 3000, 3))


@pytest.mark.parametrize("times", [[], [0.0], [0.0, 0.0]])
def test_a_rate_of_next_to_nothing_is_no_problem(times):
    assert used(np.array(times), rate=10, step=None) == list(range(len(times)))
