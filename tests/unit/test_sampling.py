import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpose.flow.patches import FlowPatches
from flowpose.flow.sampling import sample_flow, sample_flow_reference

WIDTH, HEIGHT = 7, 5
NAN = float("nan")


def bilinear_field(x, y):
    """A field that bilinear interpolation reproduces."""
    return np.stack([1 + 2 * x - 3 * y + 0.5 * x * y, -4 + 0.25 * x + y], -1)


ROWS, COLUMNS = np.indices((HEIGHT, WIDTH), float)
FIELD = bilinear_field(COLUMNS, ROWS)[None]


def points(*xy):
    return np.array([xy], float)


def sampled(points, fields=FIELD):
    return sample_flow(FlowPatches(fields, points), points)


def sampled_as_reference(points, fields=FIELD):
    return sample_flow_reference(FlowPatches(fields, points), points)


@given(st.floats(0, WIDTH - 1), st.floats(0, HEIGHT - 1))
def test_sampling_is_exact_on_bilinear_fields(x, y):
    value, inside = sampled(points((x, y)))
    np.testing.assert_allclose(value[0, 0], bilinear_field(x, y))
    assert inside.all()


def test_pixel_centres_return_the_pixel():
    centres = np.stack([COLUMNS, ROWS], -1).reshape(1, -1, 2)
    value, inside = sampled(centres)
    np.testing.assert_allclose(value.reshape(1, HEIGHT, WIDTH, 2), FIELD, rtol=0)
    assert inside.all()


@pytest.mark.parametrize(
    ("outside", "border"),
    [((-3, 2), (0, 2)), ((6.5, 1.5), (6, 1.5)), ((2.5, 4.1), (2.5, 4)), ((99, -99), (6, 0))],
)
def test_points_off_the_image_get_the_nearest_border_and_are_marked(outside, border):
    value, inside = sampled(points(outside, border))
    np.testing.assert_allclose(value[0, 0], bilinear_field(*border))
    assert inside.tolist() == [[False, True]]


@pytest.mark.parametrize("unknown", [(NAN, NAN), (NAN, 2.0), (2.0, NAN)])
def test_unknown_points_get_zero_are_marked_and_harm_no_others(unknown):
    value, inside = sampled(points(unknown, (3, 2)))
    assert value[0, 0].tolist() == [0, 0]
    np.testing.assert_allclose(value[0, 1], FIELD[0, 2, 3])
    assert inside.tolist() == [[False, True]]


def test_each_frame_reads_its_own_field():
    fields = np.concatenate([FIELD, 10 * FIELD, -FIELD])
    here = np.tile(points((2.5, 1.5)), (3, 1, 1))
    for value in (sampled(here, fields)[0], sampled_as_reference(here, fields)):
        np.testing.assert_allclose(value[:, 0], [[1], [10], [-1]] * value[0])


@given(st.floats(0, WIDTH - 1, exclude_max=True), st.floats(0, HEIGHT - 1, exclude_max=True))
def test_reference_lookup_agrees_inside_the_last_row_and_column(x, y):
    value = sampled_as_reference(points((x, y)))
    np.testing.assert_allclose(value, sampled(points((x, y)))[0])


@pytest.mark.parametrize(
    "point",
    [
        (6.5, 2.5),
        (6, 2.5),
        (3.5, 4),
        (3.5, 4.5),
        (-0.5, 2),
        (2, -0.5),
        (-7.5, 1),
        (99.5, 2),
        (7, 2),
        (3, 5),
    ],
)
def test_reference_lookup_is_zero_on_the_last_row_and_column_and_outside(point):
    assert np.abs(sampled_as_reference(points(point))).max() < 1e-12


@pytest.mark.parametrize(
    ("point", "pixel"),
    [((6, 4), (6, 4)), ((0, 0), (0, 0)), ((-1, -1), (6, 4)), ((-7, -5), (0, 0)), ((3, -2), (3, 3))],
)
def test_reference_lookup_of_whole_numbers_reads_the_pixel_and_wraps(point, pixel):
    x, y = pixel
    np.testing.assert_allclose(sampled_as_reference(points(point))[0, 0], FIELD[0, y, x])


@pytest.mark.parametrize("point", [(-8, 0), (0, -6)])
def test_reference_lookup_beyond_the_wrap_is_an_index_error(point):
    with pytest.raises(IndexError):
        sampled_as_reference(points(point))
