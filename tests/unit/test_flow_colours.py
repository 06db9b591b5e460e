"""Middlebury's wheel, compared with torchvision's."""

import numpy as np
import pytest
import torch
from torchvision.utils import flow_to_image

from flowpose.pictures.flow_colours import FlowColours, rim_of, wheel_colours


def test_colours_are_those_of_torchvision(rng):
    flow = rng.uniform(-1, 1, (60, 80, 2))
    flow[np.hypot(*np.moveaxis(flow, -1, 0)) > 1] = 0
    # Theirs are full where the fastest is.
    flow[0, :4] = [(1, 0), (-1, 0), (0, 1), (0, -1)]
    expected = flow_to_image(torch.tensor(np.moveaxis(flow, -1, 0), dtype=torch.float32))
    expected = np.moveaxis(expected.numpy(), 0, -1).astype(int)
    np.testing.assert_allclose(wheel_colours(flow), expected, atol=2)
    # They are mixed at the rim itself, where dark ones begin, and where the wheel ends.
    within = np.hypot(*np.moveaxis(flow, -1, 0)) < 0.98
    np.testing.assert_allclose(FlowColours(7.5)(7.5 * flow)[within], expected[within], atol=20)


def test_red_is_to_the_right_and_what_is_too_fast_is_dark():
    colours = FlowColours(2)
    flow = np.zeros((1, 4, 2), np.float32)
    flow[0, 1:, 0] = 1, 1.96, 5000
    np.testing.assert_allclose(
        colours(flow)[0], [(255, 255, 255), (255, 128, 128), (255, 5, 5), (191, 0, 0)], atol=12
    )
    # The direction stays, wherever that is.
    np.testing.assert_allclose(
        colours(np.float32([[[-300, 40]]]))[0, 0] / 0.75,
        wheel_colours(np.array([-300, 40]) / np.hypot(300, 40)),
        atol=8,
    )


def test_a_few_fast_pixels_are_beyond_the_rim():
    slow, fast = np.zeros((2, 80, 80, 2), np.float32)
    slow[...] = 0, 3
    fast[:4, :4] = 400
    assert rim_of(iter([slow, slow + fast])) == pytest.approx(3, rel=0.02)
    assert rim_of([slow, 2 * slow]) == pytest.approx(6, rel=0.02)
    # Nothing moves: what is noise stays pale.
    assert rim_of([0 * slow]) == 0.5
    # Somebody small, before a ground that trembles.
    small = slow / 10
    small[40:48, 40:48] = 10, 0
    assert rim_of([small]) == pytest.approx(10, rel=0.02)


def test_the_legend_is_a_disc_with_the_pure_colours_at_its_rim():
    disc, inside = FlowColours(1).disc(101)
    assert inside[50, 50] == inside[50, 2] == 1 and inside[0, 0] == 0
    np.testing.assert_allclose(
        disc[50, [0, 50, 100]], [(0, 209, 255), (255,) * 3, (255, 0, 0)], atol=3
    )
