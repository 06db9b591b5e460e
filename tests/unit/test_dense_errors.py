import numpy as np
import pytest

from flowpose.evaluation.dense_errors import REGIONS, dense_errors, regions
from flowpose.flow.true_flow_file import TrueField

HEIGHT, WIDTH = 120, 90


@pytest.fixture
def person():
    """A box of 100 x 30 px: 2 % of its height are 2 px."""
    person = np.zeros((HEIGHT, WIDTH), bool)
    person[10:110, 30:60] = True
    return person


def still(person):
    return TrueField(np.zeros((HEIGHT, WIDTH, 2), np.float32), person)


def test_the_border_is_two_percent_of_the_height_on_both_sides(person):
    found = regions(still(person))
    assert list(found) == list(REGIONS)
    border = found["border"]
    # Along a row and a column through the middle of the box.
    assert np.flatnonzero(border[60]).tolist() == [28, 29, 30, 31, 58, 59, 60, 61]
    assert np.flatnonzero(border[:, 45]).tolist() == [8, 9, 10, 11, 108, 109, 110, 111]
    assert not border[7].any(), "corners are rounded"
    assert (found["person"] == person).all() and (found["background"] == ~person).all()
    assert found["everywhere"].all()


def test_a_small_person_has_a_border_of_a_pixel():
    person = np.zeros((HEIGHT, WIDTH), bool)
    person[50:60, 50:54] = True
    assert np.flatnonzero(regions(still(person))["border"][55]).tolist() == [49, 50, 53, 54]


def test_the_border_of_the_picture_is_none_of_the_person(person):
    person[:, 30:] = True
    assert not regions(still(person))["border"][:, 40:].any()


def test_each_region_has_the_mean_of_its_pixels(person):
    """The flow is off by 3 px on the person, 1 px elsewhere, and its truth is unknown on top."""
    flow = np.where(person[..., None], np.float32([0, 3]), np.float32([1, 0]))
    field = still(person)
    field.flow[:40] = np.nan
    errors = {name: scores.values[0] for name, scores in dense_errors([flow], [field]).items()}
    share = person[40:].mean()
    assert errors["person"] == 3 and errors["background"] == 1
    assert errors["everywhere"] == pytest.approx(3 * share + 1 - share)
    # 2 px on each side, but for the corners.
    assert errors["border"] == pytest.approx(2, abs=0.05)


def test_a_pair_without_such_pixels_does_not_count(person):
    none, unknown = still(np.zeros_like(person)), still(person)
    unknown.flow[:] = np.nan
    flows = np.ones((3, HEIGHT, WIDTH, 2), np.float32)
    scores = dense_errors(flows, [still(person), none, unknown])
    counted = {name: of.valid.tolist() for name, of in scores.items()}
    assert counted["person"] == counted["border"] == [True, False, False]
    assert counted["background"] == counted["everywhere"] == [True, True, False]


def test_without_a_mask_only_everywhere_is_known(person):
    scores = dense_errors(np.ones((1, HEIGHT, WIDTH, 2), np.float32), [still(None)])
    assert scores["everywhere"].mean() == pytest.approx(np.sqrt(2))
    assert not any(scores[name].valid.any() for name in ("person", "background", "border"))


def test_without_a_true_flow_nothing_is_known(person):
    scores = dense_errors(np.ones((2, HEIGHT, WIDTH, 2), np.float32), None)
    assert list(scores) == list(REGIONS)
    assert not any(of.valid.any() or len(of.values) != 2 for of in scores.values())
