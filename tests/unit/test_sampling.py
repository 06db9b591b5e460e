import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from flowpose.sampling import sample_flow, sample_flow_reference

WIDTH, HEIGHT = 7, 5
NAN = float("nan")


def bilinear_field(x, y):
    """A field that bilinear interpolation reproduces."""
    return torch.stack([1 + 2 * x - 3 * y + 0.5 * x * y, -4 + 0.25 * x + y], -1)


ROWS, COLUMNS = torch.meshgrid(
    torch.arange(HEIGHT).double(), torch.arange(WIDTH).double(), indexing="ij"
)
FIELD = bilinear_field(COLUMNS, ROWS)[None]


def points(*xy):
    return torch.tensor([xy], dtype=torch.float64)


@given(st.floats(0, WIDTH - 1), st.floats(0, HEIGHT - 1))
def test_sampling_is_exact_on_bilinear_fields(x, y):
    value, inside = sample_flow(FIELD, points((x, y)))
    torch.testing.assert_close(
        value[0, 0], bilinear_field(*torch.tensor([x, y], dtype=torch.float64))
    )
    assert inside.all()


def test_pixel_centres_return_the_pixel():
    centres = torch.stack([COLUMNS, ROWS], -1).reshape(1, -1, 2)
    value, inside = sample_flow(FIELD, centres)
    torch.testing.assert_close(value.reshape(1, HEIGHT, WIDTH, 2), FIELD, rtol=0, atol=0)
    assert inside.all()


@pytest.mark.parametrize(
    ("outside", "border"),
    [((-3, 2), (0, 2)), ((6.5, 1.5), (6, 1.5)), ((2.5, 4.1), (2.5, 4)), ((99, -99), (6, 0))],
)
def test_points_off_the_image_get_the_nearest_border_and_are_marked(outside, border):
    value, inside = sample_flow(FIELD, points(outside, border))
    torch.testing.assert_close(
        value[0, 0], bilinear_field(*torch.tensor(border, dtype=torch.float64))
    )
    assert inside.tolist() == [[False, True]]


@pytest.mark.parametrize("unknown", [(NAN, NAN), (NAN, 2.0), (2.0, NAN)])
def test_unknown_points_get_zero_are_marked_and_harm_no_others(unknown):
    value, inside = sample_flow(FIELD, points(unknown, (3, 2)))
    assert value[0, 0].tolist() == [0, 0]
    torch.testing.assert_close(value[0, 1], FIELD[0, 2, 3])
    assert inside.tolist() == [[False, True]]


def test_each_frame_reads_its_own_field():
    fields = torch.cat([FIELD, 10 * FIELD, -FIELD])
    for sample in (lambda *args: sample_flow(*args)[0], sample_flow_reference):
        value = sample(fields, points((2.5, 1.5)).expand(3, 1, 2))[:, 0]
        torch.testing.assert_close(value, torch.tensor([[1], [10], [-1]]) * value[:1])


@given(st.floats(0, WIDTH - 1, exclude_max=True), st.floats(0, HEIGHT - 1, exclude_max=True))
def test_reference_lookup_agrees_inside_the_last_row_and_column(x, y):
    value = sample_flow_reference(FIELD, points((x, y)))
    torch.testing.assert_close(value, sample_flow(FIELD, points((x, y)))[0])


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
    assert sample_flow_reference(FIELD, points(point))[0, 0].abs().max() < 1e-12


@pytest.mark.parametrize(
    ("point", "pixel"),
    [((6, 4), (6, 4)), ((0, 0), (0, 0)), ((-1, -1), (6, 4)), ((-7, -5), (0, 0)), ((3, -2), (3, 3))],
)
def test_reference_lookup_of_whole_numbers_reads_the_pixel_and_wraps(point, pixel):
    x, y = pixel
    torch.testing.assert_close(sample_flow_reference(FIELD, points(point))[0, 0], FIELD[0, y, x])


@pytest.mark.parametrize("point", [(-8, 0), (0, -6)])
def test_reference_lookup_beyond_the_wrap_is_an_index_error(point):
    with pytest.raises(IndexError):
        sample_flow_reference(FIELD, points(point))
