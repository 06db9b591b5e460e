"""The crop that is found around a person."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowpose.errors import InputError
from flowpose.pose.estimates import Detections
from flowpose.pose.person_crop import person_crop
from flowpose.pose.skeletons import Skeleton

SIZE = (1000, 800)
WIDE = (100_000, 800)
TIMES = np.arange(400) / 30
BODY = Skeleton.of("body", "head r_ankle l_wrist")
# A person of 50 x 200 px.
POINTS = np.array([[40.0, 0], [0, 200], [50, 100]])


def detections(*shifts, **changes):
    """A person at a place a frame, px; NaN where there is none."""
    points = POINTS + np.array(shifts, float)[:, None]
    confidence = np.where(np.isnan(points[..., 0]), 0, 0.7)
    given = {"source": "landmarks.h5", "frames": np.arange(len(points)), "skeleton": BODY}
    return Detections(**given | {"points": points, "confidence": confidence} | changes)


def test_it_holds_all_joints_of_the_frames_used_with_a_fifth_of_the_person_around_them():
    found = detections((300, 200), (900, 20), (340.5, 199), (320, 210))
    # In frames 0 and 2, joints from (300, 199) to (390.5, 400), and 40 px around them.
    crop = person_crop(found, range(0, 4, 2), TIMES, SIZE)
    assert crop == (260, 159, 172, 282)
    assert all(type(side) is int for side in crop)
    assert person_crop(found, range(4), TIMES, SIZE) == (260, 0, 731, 451)


def test_it_ends_where_the_picture_does():
    assert person_crop(detections((-20, 780)), range(1), TIMES, SIZE) == (0, 740, 71, 60)
    whole = person_crop(detections((10, 10)), range(1), TIMES, (60, 100))
    assert whole == (0, 0, 60, 100)


def test_joints_and_frames_that_were_not_found_do_not_count():
    found = detections((300, 200), (np.nan, np.nan), (300, 200))
    found.points[2, 1], found.confidence[2, 1] = (990, 790), 0
    found.points[0, 2] = np.nan
    # Sizes of 200 and 100 px.
    assert person_crop(found, range(3), TIMES, SIZE) == (270, 170, 111, 261)


def test_detections_that_count_the_frames_used_are_all_of_these():
    found = detections((300, 200), (340, 200), (320, 200), numbering="used")
    assert person_crop(found, range(100, 400, 100), TIMES, SIZE) == (260, 160, 171, 281)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (detections((np.nan, np.nan)), r"landmarks.h5: nobody was found in the 2 frames that are"),
        (detections((5, 5), frames=np.array([7])), r"nobody was found in the 2 frames"),
        (
            detections((5, 5), (9, 9), frames=np.array([1, 1])),
            r"several people in frames \[1\]: which is the crop to be of\? \(set the sequence's cr",
        ),
        (detections((1200, 200)), r"all joints lie off the picture of \(1000, 800\) px"),
        (detections((5, 5), image_size=(800, 1000)), r"\(800, 1000\) px, it has \(1000, 800\) \("),
    ],
)
def test_where_there_is_nobody_to_be_cropped_to_it_is_said(found, message):
    with pytest.raises(InputError, match=message):
        person_crop(found, range(2), TIMES, SIZE)


def stands(n, **changes):
    """A person at one place, in n frames."""
    return detections(*[(300, 200)] * n, **changes)


def test_single_detections_far_off_do_not_count():
    """As those of an estimator that has only begun to find the person, or of other joints."""
    found = stands(20)
    around = person_crop(found, range(20), TIMES, SIZE)
    assert around == (260, 160, 131, 281)
    found.points[0, 1] += (30, 150)
    found.points[1] += (-90, 60)
    found.points[8:11, 2] += 400
    found.points[19, 0] -= 100
    assert person_crop(found, range(20), TIMES, SIZE) == around
    assert person_crop(found, range(0, 20, 2), TIMES, SIZE) == around


def test_what_lasts_counts():
    found = stands(18)
    found.points[8:] += (400, 0)
    assert person_crop(found, range(18), TIMES, SIZE) == (260, 160, 531, 281)
    assert person_crop(found, range(0, 18, 6), TIMES, SIZE) == (260, 160, 531, 281)


def test_where_there_are_few_detections_all_of_them_count():
    found = stands(4)
    found.points[0] += (400, 0)
    assert person_crop(found, range(4), TIMES, SIZE) == (260, 160, 531, 281)


def test_where_ten_frames_a_second_are_detected_all_of_them_count():
    found = stands(20, numbering="used")
    found.points[0] += (200, 0)
    used = range(0, 60, 3)
    assert person_crop(found, used, TIMES, SIZE) == (260, 160, 331, 281)
    # The same at 30 a second: then the others tell.
    assert person_crop(found, range(20), TIMES, SIZE) == (260, 160, 131, 281)


def test_where_nothing_agrees_all_counts():
    x = np.random.default_rng(0).integers(1000, 90_000, 20)
    found = detections(*np.stack([x, 0 * x + 300], -1))
    crop = person_crop(found, range(20), TIMES, WIDE)
    assert crop == (x.min() - 40, 260, np.ptp(x) + 131, 281)


def test_others_in_the_picture_of_frames_that_are_not_used_bear_nothing_out():
    found = stands(29, frames=np.concatenate([np.arange(20), np.repeat([1, 2, 3], 3)]))
    found.points[20:] += (400, 0)
    found.points[0] += (400, 0)
    assert person_crop(found, range(0, 20, 4), TIMES, SIZE) == (260, 160, 131, 281)


@settings(max_examples=15)
@given(
    fps=st.integers(24, 240),
    speed=st.floats(-15, 15),
    turn=st.floats(0, 1),
    noise=st.integers(0, 2**32 - 1),
)
def test_a_person_who_runs_across_the_picture_stays_inside(fps, speed, turn, noise):
    """In heights a second, until it turns round; detections err by a few percent of the height."""
    time = np.arange(fps) / fps
    path = 50_000 + 200 * speed * np.abs(time - turn)
    found = detections(*np.stack([path, 0 * path + 300], -1))
    found.points[:] += np.random.default_rng(noise).uniform(-8, 8, found.points.shape)
    x, y, width, height = person_crop(found, range(fps), time, WIDE)
    inside = (found.points >= (x, y)) & (found.points <= (x + width - 1, y + height - 1))
    assert inside.all()


@settings(max_examples=15)
@given(
    fps=st.integers(30, 120),
    speed=st.floats(-5, 5),
    at=st.integers(0, 27),
    several=st.integers(1, 3),
    far=st.floats(0.3, 3),
    way=st.floats(0, 2 * np.pi),
)
def test_up_to_three_frames_far_off_change_nothing(fps, speed, at, several, far, way):
    """Whenever they are, and whoever they are of, a person who goes at any speed."""
    path = 50_000 + 200 * speed * np.arange(30) / fps
    found = detections(*np.stack([path, 0 * path + 300], -1))
    times = np.arange(30) / fps
    right = person_crop(found, range(30), times, WIDE)
    found.points[at : at + several] += 200 * far * np.array([np.cos(way), np.sin(way)])
    assert person_crop(found, range(30), times, WIDE) == right
