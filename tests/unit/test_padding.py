"""Parts of images, their padding, and the way from a device."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from flowpose.raft import padding as frames_of_raft
from flowpose.raft.padding import Padding, Window, downloaded

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


def test_arrays_come_from_a_device_as_they_were_computed(device):
    """Whatever their memory is used for next."""
    memory = torch.empty(500, 1000, device=device)
    computed = (memory.fill_(n).T for n in range(20))
    for n, array in enumerate(downloaded(computed)):
        assert array.shape == (1000, 500)
        np.testing.assert_array_equal(array, n)
    assert n == 19


def test_a_gpu_has_the_next_work_before_anything_waits_for_it(monkeypatch):
    """Here something else stands for its tensors."""
    events = []

    def compute(n):
        events.append(f"compute {n}")
        return SimpleNamespace(device=torch.device("cuda"), n=n)

    def download(tensor):
        return lambda: events.append(f"wait for {tensor.n}") or np.full(1, tensor.n)

    monkeypatch.setattr(frames_of_raft, "_download", download)
    assert [int(array[0]) for array in downloaded(map(compute, range(3)))] == [0, 1, 2]
    begun = ["compute 0", "compute 1", "wait for 0", "compute 2", "wait for 1", "wait for 2"]
    assert events == begun


def test_nothing_computed_gives_no_arrays():
    assert list(downloaded([])) == []
