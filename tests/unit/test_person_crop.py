"""The crop that is found around a person."""

import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.pose.estimates import Detections
from flowpose.pose.person_crop import person_crop
from flowpose.pose.skeletons import Skeleton

SIZE = (1000, 800)
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
    crop = person_crop(found, range(0, 4, 2), SIZE)
    assert crop == (260, 159, 172, 282)
    assert all(type(side) is int for side in crop)
    assert person_crop(found, range(4), SIZE) == (260, 0, 731, 451)


def test_it_ends_where_the_picture_does():
    assert person_crop(detections((-20, 780)), range(1), SIZE) == (0, 740, 71, 60)
    whole = person_crop(detections((10, 10)), range(1), (60, 100))
    assert whole == (0, 0, 60, 100)


def test_joints_and_frames_that_were_not_found_do_not_count():
    found = detections((300, 200), (np.nan, np.nan), (300, 200))
    found.points[2, 1], found.confidence[2, 1] = (990, 790), 0
    found.points[0, 2] = np.nan
    # Sizes of 200 and 100 px.
    assert person_crop(found, range(3), SIZE) == (270, 170, 111, 261)


def test_detections_that_count_the_frames_used_are_all_of_these():
    found = detections((300, 200), (340, 200), (320, 200), numbering="used")
    assert person_crop(found, range(100, 400, 100), SIZE) == (260, 160, 171, 281)


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
        person_crop(found, range(2), SIZE)
