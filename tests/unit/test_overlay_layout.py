"""Nothing overlaps, whatever the video's form."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpose.pictures.overlay import shown_view
from flowpose.pictures.overlay_layout import Layout

SIDES = st.integers(16, 4000)


def boxes(layout):
    panels = [box for panel in layout.panels for box in (panel.title, panel.content)]
    return [layout.head, layout.picture, *panels, layout.words, layout.timeline]


@given(SIDES, SIDES, SIDES, SIDES)
def test_all_is_inside_and_apart(width, height, flow_width, flow_height):
    view = shown_view((width, height))
    layout = Layout.of(view.size, (flow_width, flow_height))
    assert [side % 2 for side in layout.size] == [0, 0]
    for box in boxes(layout):
        assert min(box.left, box.top) >= 0 and min(box.width, box.height) > 0
        assert box.left + box.width <= layout.size[0] and box.top + box.height <= layout.size[1]
    for a, b in combinations(boxes(layout), 2):
        beside = a.left + a.width <= b.left or b.left + b.width <= a.left
        assert beside or a.top + a.height <= b.top or b.top + b.height <= a.top, (a, b)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((640, 480), (640, 480)),
        ((1080, 1920), (1080, 1920)),
        ((3840, 2160), (1920, 1080)),
        ((128, 96), (640, 480)),
        ((500, 400), (1000, 800)),
    ],
)
def test_pictures_keep_their_pixels_unless_they_are_large_or_small(size, shown):
    assert shown_view(size).size == shown
