import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from flowpose.adaptation.target import block_radius, draw_skeleton, skeleton_points
from flowpose.pose.skeletons import FLOW_BONES, METRO_14

HEIGHT, WIDTH = 40, 50
HEAD = METRO_14.index["head"]


def flow_field():
    """A field whose every value is another, and none a motion of these tests."""
    return 1000 + np.arange(HEIGHT * WIDTH * 2, dtype=np.float64).reshape(HEIGHT, WIDTH, 2)


def draw_target(flow, joints, next_joints, device="cpu", **options):
    drawing = draw_skeleton(joints, next_joints, flow.shape[:2], **options)
    return drawing.over(torch.as_tensor(flow, device=device)).cpu().numpy()


def drawn(point, radius, **options):
    """Rows and columns in which a skeleton that is one point has drawn its motion (3, -2)."""
    joints = np.tile(np.float64(point), (14, 1))
    target = draw_target(flow_field(), joints, joints + [3, -2], radius=radius, **options)
    changed = (target != flow_field()).any(-1)
    np.testing.assert_allclose(target[changed] - [3, -2], 0, atol=1e-12)
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    assert changed.sum() == len(rows) * len(columns)
    return rows.tolist(), columns.tolist()


def covered_by_reference(middle, radius, length):
    """docs/reference.md, 8, B11: what [middle - radius, middle + radius) covers of an axis."""
    start, stop = middle - radius, middle + radius
    if start < 0:
        start = max(start + length, 0)
    if stop < 0:
        stop = max(stop + length, 0)
    return range(start, min(stop, length))


def draw_naively(flow, joints, next_joints, radius, reference):
    """The target point by point and pixel by pixel, as docs/reference.md, 8 words it."""
    target = flow.copy()
    for a, b in FLOW_BONES:
        for i in range(22):
            x, y = joints[a] + i * (joints[b] - joints[a]) / 21
            next_x, next_y = next_joints[a] + i * (next_joints[b] - next_joints[a]) / 21
            for row in range(HEIGHT):
                if reference and row not in covered_by_reference(round(y), radius, HEIGHT):
                    continue
                if not reference and not -radius <= row - round(y) < radius:
                    continue
                for column in range(WIDTH):
                    if reference:
                        hit = column in covered_by_reference(round(x), radius, WIDTH)
                    else:
                        hit = -radius <= column - round(x) < radius
                    if hit:
                        target[row, column] = next_x - x, next_y - y
    return target


def test_points_run_from_end_to_end_of_each_bone_in_order(rng):
    joints = rng.uniform(0, 99, (2, 14, 2))
    points = skeleton_points(joints).reshape(2, 13, 22, 2)
    for bone, (a, b) in enumerate(FLOW_BONES):
        np.testing.assert_array_equal(points[:, bone, 0], joints[:, a])
        np.testing.assert_array_equal(points[:, bone, 21], joints[:, b])
        np.testing.assert_allclose(points[:, bone, 7], (2 * joints[:, a] + joints[:, b]) / 3)


def test_points_of_float32_joints_are_interpolated_in_float64_in_reference_mode(rng):
    joints = rng.uniform(0, 999, (14, 2)).astype(np.float32)
    points = skeleton_points(joints, reference=True).reshape(13, 22, 2)
    a, b = FLOW_BONES[0]
    step = np.float64(joints[b] - joints[a]) / 21
    np.testing.assert_array_equal(points[0, 5], np.float64(joints[a]) + 5 * step)
    assert skeleton_points(joints).dtype == np.float32


@pytest.mark.parametrize("reference", [False, True])
def test_block_reaches_radius_up_and_left_and_one_less_down_and_right(reference):
    rows, columns = drawn((25, 20), 4, reference=reference)
    assert rows == list(range(16, 24))
    assert columns == list(range(21, 29))


@pytest.mark.parametrize(("x", "column"), [(20.4, 20), (20.5, 20), (21.5, 22), (21.6, 22)])
def test_points_are_rounded_half_to_even(x, column):
    assert drawn((x, 20), 1)[1] == [column - 1, column]


def test_blocks_over_the_border_are_clipped():
    assert drawn((2, 3), 5) == (list(range(8)), list(range(7)))
    assert drawn((48, 38), 5) == (list(range(33, 40)), list(range(43, 50)))
    assert drawn((-4, 20), 5)[1] == [0]


@pytest.mark.parametrize("point", [(-5, 20), (25, -9), (55, 20), (25, 45), (-99, -99)])
def test_blocks_off_the_image_draw_nothing(point):
    assert drawn(point, 5) == ([], [])


def test_reference_blocks_over_the_top_or_left_border_are_lost():
    assert drawn((2, 20), 5, reference=True) == ([], [])
    assert drawn((25, 3), 5, reference=True) == ([], [])
    assert drawn((48, 38), 5, reference=True) == (list(range(33, 40)), list(range(43, 50)))


def test_reference_blocks_beyond_the_top_or_left_border_wrap():
    assert drawn((25, -20), 5, reference=True)[0] == list(range(15, 25))
    assert drawn((-6, 20), 5, reference=True)[1] == list(range(39, 49))


@given(st.floats(-70, 70), st.floats(-70, 70), st.integers(1, 30))
def test_reference_blocks_follow_slices(x, y, radius):
    assume(0 not in (x, y, x + 3, y - 2))
    rows, columns = drawn((x, y), radius, reference=True)
    wanted_rows = list(covered_by_reference(round(y), radius, HEIGHT))
    wanted_columns = list(covered_by_reference(round(x), radius, WIDTH))
    empty = not wanted_rows or not wanted_columns
    assert (rows, columns) == (([], []) if empty else (wanted_rows, wanted_columns))


def test_last_point_drawn_wins():
    """The head ends the last bone, so its block is whole; the neck's, drawn before, is not."""
    joints = np.tile([20.0, 20.0], (14, 1))
    joints[HEAD] = 24, 20
    moved = joints + [1, 1]
    moved[HEAD] = joints[HEAD] + [7, 8]
    target = draw_target(flow_field(), joints, moved, radius=5)
    np.testing.assert_allclose(target[15:25, 19:29] - [7, 8], 0, atol=1e-12)
    # Of the points before it that round to column 20, the third is the last.
    third = np.array([1 + 2 / 21 * 6, 1 + 2 / 21 * 7])
    np.testing.assert_allclose(target[15:25, 15] - third, 0, atol=1e-12)


@pytest.mark.parametrize("reference", [False, True])
def test_a_whole_skeleton_is_drawn_as_specified(reference, rng, device):
    joints = rng.uniform(-15, 55, (14, 2))
    moved = joints + rng.normal(0, 4, (14, 2))
    target = draw_target(flow_field(), joints, moved, device, radius=3, reference=reference)
    naive = draw_naively(flow_field(), joints, moved, 3, reference)
    np.testing.assert_allclose(target, naive, atol=1e-9)


@pytest.mark.parametrize("motion", [(-20, 5), (5, -20)])
def test_points_with_a_zero_coordinate_are_left_out_in_reference_mode_only(motion):
    joints = np.tile([20.0, 20.0], (14, 1))
    for before, after in ((joints, joints + motion), (joints + motion, joints)):
        # Of this radius blocks draw something even where they wrap.
        target = draw_target(flow_field(), before, after, radius=30, reference=True)
        np.testing.assert_array_equal(target, flow_field())
        default = draw_target(flow_field(), before, after, radius=30)
        np.testing.assert_allclose(default[10, 10], after[0] - before[0])


@pytest.mark.parametrize("frame", [0, 1])
def test_bones_of_an_unknown_joint_are_left_out(frame):
    joints = np.tile([[20.0, 20.0]], (2, 14, 1))
    joints[1] += [3, -2]
    joints[:, HEAD] += [20, 0]
    with_head = draw_target(flow_field(), *joints, radius=2)
    joints[frame, HEAD] = np.nan
    without = draw_target(flow_field(), *joints, radius=2)
    np.testing.assert_allclose(without[20, 20], [3, -2])
    np.testing.assert_allclose(with_head[20, 40], [3, -2])
    np.testing.assert_array_equal(without[:, 22:], flow_field()[:, 22:])


def test_drawing_leaves_the_estimated_flow_alone():
    flow, joints = flow_field().astype(np.float32), np.tile([20.0, 20.0], (14, 1))
    assert draw_target(flow, joints, joints + 1, radius=5).dtype == np.float32
    assert draw_target(flow, joints, joints + 1, radius=5, reference=True).dtype == np.float64
    np.testing.assert_array_equal(flow, flow_field().astype(np.float32))


def standing(height, width=1):
    """Three frames of a skeleton in a box of a size."""
    joints = np.full((3, 14, 2), 40.0)
    joints[:, 0] += width, height
    return joints


@pytest.mark.parametrize(
    ("joints", "radius"),
    [
        (standing(500), 15),
        (standing(170), 5),
        (standing(1000), 30),
        (standing(100, width=500), 15),
        (standing(1), 1),
    ],
)
def test_blocks_grow_with_the_person(joints, radius):
    assert block_radius(joints, radius=15, person_height=500) == radius
    assert block_radius(joints, radius=15, person_height=None) == 15


def test_block_radius_takes_the_median_person_and_ignores_unknown_joints():
    joints = standing(500)
    joints[1, 0] = 41, 140
    joints[:, 5] = np.nan
    assert block_radius(joints, radius=15, person_height=500) == 15
