"""Parts of images and their padding."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from flowpose.raft.padding import Padding, Window

sides = st.integers(128, 600)
points = arrays.arrays(
    np.float64, (5, 2), elements=st.floats(-50, 650, allow_nan=False, allow_infinity=False)
)


@given(points, st.floats(0, 100), sides, sides)
def test_a_window_holds_the_points_that_are_on_the_image(points, margin, height, width):
    window = Window.around(points, margin, height, width)
    for part, side, values in (
        (window.rows, height, points[:, 1]),
        (window.columns, width, points[:, 0]),
    ):
        length = part.stop - part.start
        assert length % 8 == 0 and length >= 128 and part.start >= 0 and part.stop <= side
        # Less than a cell may be missing where the image has no whole number of cells of 8 px.
        reach = side % 8
        inside = values[(values >= 0) & (values <= side - 1)]
        assert (inside >= part.start - reach).all() and (inside <= part.stop - 1 + reach).all()


def test_a_window_is_as_small_as_it_may_be():
    points = np.array([[300.0, 200], [400, 420]])
    assert Window.around(points, 10, 600, 700) == Window(slice(186, 434), slice(286, 414))


@pytest.mark.parametrize("shape", [(127, 500), (500, 100)])
def test_a_small_image_has_no_window(shape):
    assert Window.around(np.zeros((3, 2)), 5, *shape) is None


def test_a_part_of_a_padded_image_is_that_of_the_image():
    image = np.random.default_rng(0).integers(0, 255, (201, 131, 3), np.uint8)
    padding = Padding.of(201, 131)
    padded = torch.as_tensor(padding.add(image)).permute(2, 0, 1)
    window = Window(slice(8, 136), slice(3, 131))
    part = padding.part(padded, window).permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(part, image[window.rows, window.columns])
