"""Words, skeletons and the turning view, by their pixels."""

from itertools import groupby

import numpy as np
import pytest

from flowpose.pictures.lettering import write
from flowpose.pictures.skeleton_lines import COLOURS, draw_skeletons
from flowpose.pictures.turning_view import TurningView
from flowpose.pose.skeletons import METRO_14


def inked(picture):
    """Columns and rows that are not all white."""
    dark = (picture < 250).any(-1)
    return np.flatnonzero(dark.any(0)), np.flatnonzero(dark.any(1))


def test_words_are_where_they_are_to_be_and_fit():
    left, right, long = np.full((3, 30, 200, 3), 255, np.uint8)
    write(left, "walk", 20)
    write(right, "walk", 20, at=1)
    columns = inked(left)[0]
    assert columns.min() <= 2 and 35 < columns.max() < 60
    assert inked(right)[0].max() >= 196
    assert np.ptp(inked(right)[0]) == np.ptp(columns)
    # Smaller, if there is no room: 17 px instead of 20.
    write(long, "a long name of a clip", 20)
    columns, rows = inked(long)
    assert 180 < columns.max() < 200 and np.ptp(rows) < 18
    # What is still too long is cut.
    write(long, 10 * "a long name", 20)


def test_what_is_drawn_later_lies_above_and_leaves_a_rim_of_what_is_below(body):
    picture = np.full((300, 300, 3), 255, np.uint8)
    joints = body[:, :2] * 120 + 150
    draw_skeletons(picture, dict.fromkeys(COLOURS, joints), 30)
    # Across the right shin, half way down: black, orange, blue, orange, black.
    x, y = np.round(joints[[0, 1]].mean(0)).astype(int)
    row = picture[y, x - 12 : x + 13].astype(int)
    found = [np.abs(row - colour).max(-1) < 40 for colour in COLOURS.values()]
    order = [who for column in np.transpose(found) for who in np.flatnonzero(column)]
    assert [who for who, _ in groupby(order)] == [0, 1, 2, 1, 0]
    assert (row[[0, -1]] > 250).all()


def test_a_joint_that_is_not_known_has_no_bones():
    picture = np.full((100, 100, 3), 255, np.uint8)
    joints = np.full((14, 2), np.nan)
    joints[METRO_14.index["l_knee"]] = 30, 40
    joints[METRO_14.index["r_knee"]] = 70, 40
    joints[METRO_14.index["head"]] = 1e12, np.inf
    draw_skeletons(picture, {"after": joints}, 30)
    columns, rows = inked(picture)
    assert np.ptp(rows) < 12 and set(columns) <= {*range(22, 39), *range(62, 79)}
    # Joints on the left are hollow.
    assert (picture[40, 30] > 240).all() and tuple(picture[40, 70]) == COLOURS["after"]


@pytest.mark.parametrize(("time", "across"), [(0, 1), (2, 0), (4, -1), (8, 1)])
def test_the_view_turns_once_in_eight_seconds(time, across):
    """A joint 0.6 m to the right of the hips, and one 0.6 m to their left."""
    pose = np.full((1, 14, 3), np.nan)
    right, left = METRO_14.index["r_wrist"], METRO_14.index["l_wrist"]
    pose[0, [right, left]] = [[0.6, 0, 0], [-0.6, 0, 0]]
    view = TurningView({"after": pose}, (200, 200))
    picture = np.zeros((200, 200, 3), np.uint8)
    view.draw(picture, {"after": pose[0]}, time, 15)
    columns = np.argwhere(np.abs(picture.astype(int) - COLOURS["after"]).max(-1) < 30)[:, 1]
    px_per_m = 0.9 * 200 / 1.5
    # The right one is full, the left one a ring, of which less is blue.
    reach = np.median(columns) - 100
    assert reach == pytest.approx(0.6 * px_per_m * across, abs=2)
    assert np.abs(columns - 100).max() <= abs(reach) + 4


def test_nothing_known_leaves_an_empty_view():
    view = TurningView({}, (120, 90))
    picture = np.zeros((90, 120, 3), np.uint8)
    view.draw(picture, {}, 1.0, 12)
    assert (picture.max(-1) >= 190).all()
