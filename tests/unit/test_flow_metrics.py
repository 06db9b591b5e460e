import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.evaluation.flow_metrics import (
    end_point_errors,
    per_height,
    reference_end_point_error,
    reference_flow_errors,
)
from flowpose.pose.person_size import person_height

T, HEIGHT, WIDTH = 6, 30, 40
FLOW = np.zeros((20, 30, 2), np.float32)


@pytest.fixture
def joints(rng):
    """Joints that all move by (1, 0.5) px a frame, on the image."""
    start = rng.uniform(5, 20, (14, 2))
    return start + np.arange(T)[:, None, None] * np.array([1, 0.5])


def constant_flow(x, y):
    return np.tile(np.float32([x, y]), (T - 1, HEIGHT, WIDTH, 1))


def test_end_point_error_of_a_constant_flow_is_a_known_distance(joints):
    errors = end_point_errors(constant_flow(1 + 3, 0.5 - 4), joints)
    assert errors.values.shape == (T - 1, 14)
    np.testing.assert_allclose(errors.values, 5, rtol=1e-6)
    assert errors.valid.all()


def test_flow_is_read_between_pixels_at_the_joint_of_the_first_frame(joints):
    """In a field of flow (x, 0) a joint at x that moves by (1, 0.5) is off by (x - 1, 0.5)."""
    field = np.zeros((T - 1, HEIGHT, WIDTH, 2), np.float32)
    field[..., 0] = np.arange(WIDTH)
    expected = np.hypot(joints[:-1, :, 0] - 1, 0.5)
    np.testing.assert_allclose(end_point_errors(field, joints).values, expected, rtol=1e-5)


def test_joints_off_the_image_or_unknown_do_not_count(joints):
    joints[1, 0] = np.nan
    joints[2, 1] = -0.5, 5
    joints[3, 2] = 5, HEIGHT - 0.5
    expected = np.ones((T - 1, 14), bool)
    expected[[0, 1], 0] = False
    expected[2, 1] = expected[3, 2] = False
    np.testing.assert_array_equal(end_point_errors(constant_flow(1, 0), joints).valid, expected)


def test_error_per_height_does_not_depend_on_the_width_of_the_frames(joints):
    """In frames of half the width, joints move and flows err by half the px."""
    scores = per_height(end_point_errors(constant_flow(4, -3.5), joints), joints)
    half = per_height(end_point_errors(constant_flow(2, -1.75), joints / 2), joints / 2)
    assert scores.mean() == pytest.approx(100 * 5 / person_height(joints), rel=1e-5)
    assert half.mean() == pytest.approx(scores.mean(), rel=1e-5)
    assert scores.unit == "%"


def test_without_a_height_there_is_no_error_per_height(joints):
    points = np.tile(joints[:, :1], (1, 3, 1))
    errors = end_point_errors(constant_flow(4, -3.5), points)
    assert errors.valid.all() and not per_height(errors, points).valid.any()


@pytest.mark.parametrize("reference", [False, True])
def test_reference_error_divides_by_32_joints(joints, reference):
    joints[:] = np.arange(14)[:, None] + np.arange(T)[:, None, None] * np.array([1, 0])
    errors = reference_flow_errors(constant_flow(4, -4), joints, reference=reference)
    np.testing.assert_allclose(errors.values, np.full(T - 1, 14 * 5 / 32))


def test_reference_error_is_not_a_number_where_no_joint_counts(joints):
    joints[1] = np.nan
    errors = reference_flow_errors(constant_flow(0, 0), joints, reference=False)
    np.testing.assert_array_equal(errors.valid, [False, False, True, True, True])
    np.testing.assert_allclose(errors.mean(), np.hypot(1, 0.5) * 14 / 32)


def test_a_joint_that_the_reference_cannot_count_is_explained(joints):
    joints[2, 3] = WIDTH + 5, 5
    with pytest.raises(InputError, match=r"truth: joint 3 at \(45, 5\) outside 40 x 30 px"):
        reference_flow_errors(constant_flow(0, 0), joints, reference=True)


@pytest.mark.parametrize("reference", [False, True])
def test_reference_error_sums_distances_at_the_nearest_pixels(reference):
    flow = FLOW.copy()
    flow[7, 5] = 1, 1
    points = np.array([[4.6, 7.4], [20, 10]])
    error = reference_end_point_error(flow, points, points + [4, 5], reference=reference)
    assert error == pytest.approx(5 + np.hypot(4, 5))


def test_reference_error_counts_only_the_last_joint_of_a_pixel():
    points = np.array([[5.0, 7], [5.4, 7.4], [20, 10]])
    motion = np.array([[30, 40], [3, 4], [6, 8]])
    assert reference_end_point_error(FLOW, points, points + motion) == pytest.approx(15)


def test_reference_error_rounds_half_to_even():
    flow = FLOW.copy()
    flow[10, 4] = 3, 4
    points = np.array([[4.5, 9.5]])
    assert reference_end_point_error(flow, points, points) == pytest.approx(5)


@pytest.mark.parametrize("frame", [0, 1])
def test_reference_error_leaves_unknown_joints_out(frame):
    points = np.array([[[5.0, 7], [20, 10]], [[8, 11], [26, 18]]])
    points[frame, 1] = np.nan
    assert reference_end_point_error(FLOW, *points, reference=True) == pytest.approx(5)


@pytest.mark.parametrize("point", [(-1, 5), (5, -3), (30, 5), (5, 20)])
def test_reference_error_leaves_joints_off_the_image_out_by_default(point):
    points = np.array([point, (5, 7)], float)
    assert reference_end_point_error(FLOW, points, points + [3, 4]) == pytest.approx(5)


@pytest.mark.parametrize("point", [(0, 0), (29, 19), (0, 19)])
def test_reference_error_counts_joints_on_the_border(point):
    points = np.array([point], float)
    assert reference_end_point_error(FLOW, points, points + [3, 4]) == pytest.approx(5)


@pytest.mark.parametrize(
    ("point", "pixel"), [((-2, -3), (28, 17)), ((-30, -20), (0, 0)), ((-1, 5), (29, 5))]
)
def test_reference_error_wraps_negative_pixels_in_reference_mode(point, pixel):
    flow = FLOW.copy()
    flow[pixel[1], pixel[0]] = 3, 4
    points = np.array([point], float)
    assert reference_end_point_error(flow, points, points, reference=True) == pytest.approx(5)


def test_a_wrapped_joint_shares_its_pixel_with_the_joint_that_is_there():
    points = np.array([[-2.0, -3.0], [28, 17]])
    motion = np.array([[30, 40], [3, 4]])
    error = reference_end_point_error(FLOW, points, points + motion, reference=True)
    assert error == pytest.approx(5)


@pytest.mark.parametrize("point", [(30, 5), (5, 20), (-31, 5), (5, -21)])
def test_reference_error_beyond_the_wrap_is_an_index_error(point):
    points = np.array([point], float)
    with pytest.raises(IndexError, match=rf"joint 0 at \({point[0]}, {point[1]}\)"):
        reference_end_point_error(FLOW, points, points, reference=True)
