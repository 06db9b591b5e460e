import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpose.pose.weak_perspective import CROP_SIZE, Crop, WeakPerspective, fit_weak_perspective

positive = st.floats(0.1, 10)
anywhere = st.floats(-5, 5)
seeds = st.integers(0, 10**6)


def project(joints, camera, crop):
    return WeakPerspective(crop)(np.float32(joints), np.float32(camera))


@pytest.mark.parametrize("size", [224, 225, 300])
def test_projection_follows_the_formula(size, walk, rng):
    crop = Crop(rng.uniform(0.3, 2, 6), rng.uniform(0, 500, (6, 2)), size)
    camera = rng.uniform(0.5, 1.5, (6, 3))
    s, t = camera[:, None, :1], camera[:, None, 1:]
    in_crop = (s * (walk[..., :2] + t) + 1) / 2 * 224
    expected = (in_crop + crop.start[:, None] - size // 2) / crop.scale[:, None, None]
    np.testing.assert_allclose(project(walk, camera, crop), expected, rtol=1e-5, atol=1e-3)


def test_depth_does_not_matter(walk):
    crop, camera = Crop.whole_image(6, 640, 480), np.tile([0.9, 0.1, 0.2], (6, 1))
    farther = walk + np.array([0, 0, 7])
    np.testing.assert_array_equal(project(walk, camera, crop), project(farther, camera, crop))


def test_crop_of_the_whole_image_reaches_to_its_longer_sides():
    corners = np.array([[[-1, 0, 0], [1, 0, 0], [0, 0.5, 0]]])
    pixels = project(corners, np.array([[1.0, 0, 0]]), Crop.whole_image(1, 200, 100))
    np.testing.assert_allclose(pixels[0], [[0, 50], [200, 50], [100, 100]], atol=1e-4)


def test_crop_survives_being_stored(rng):
    crop = Crop(rng.uniform(0.3, 2, 6), rng.uniform(0, 500, (6, 2)), 256)
    again = Crop.from_array(crop.as_array(), 256)
    np.testing.assert_array_equal(again.scale, crop.scale)
    np.testing.assert_array_equal(again.start, crop.start)
    assert again.size == 256


@given(positive, anywhere, anywhere, st.sampled_from([100, 640, 4000]), seeds)
def test_fit_recovers_the_camera_of_a_projection(s, tx, ty, side, seed):
    rng = np.random.default_rng(seed)
    joints, crop = rng.normal(size=(2, 14, 3)), Crop.whole_image(2, side, side)
    unit = s * (joints[..., :2] + [tx, ty])
    pixels = unit * CROP_SIZE / 2 / crop.scale[:, None, None] + side / 2
    camera = fit_weak_perspective(joints, pixels, rng.uniform(0.1, 1, (2, 14)), crop)
    np.testing.assert_allclose(camera, [[s, tx, ty]] * 2, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("size", [224, 225, 300])
def test_fit_inverts_projection_in_any_crop(size, walk, rng):
    crop = Crop(rng.uniform(0.3, 2, 6), rng.uniform(0, 500, (6, 2)), size)
    camera = rng.uniform(0.5, 1.5, (6, 3))
    pixels = project(walk, camera, crop)
    fitted = fit_weak_perspective(walk, pixels, np.ones((6, 14)), crop)
    np.testing.assert_allclose(fitted, camera, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("outlier", [1e4, np.nan, np.inf])
def test_fit_ignores_joints_that_weigh_nothing_or_were_not_seen(outlier, walk):
    crop, camera = Crop.whole_image(6, 640, 480), np.tile([0.9, 0.1, 0.2], (6, 1))
    pixels = project(walk, camera, crop).astype(float)
    pixels[:, 3] = outlier
    weights = np.ones((6, 14))
    weights[:, 3] = 0 if np.isfinite(outlier) else 1
    fitted = fit_weak_perspective(walk, pixels, weights, crop)
    np.testing.assert_allclose(fitted, camera, rtol=1e-4, atol=1e-4)


def test_fit_is_the_least_squares_camera(walk, rng):
    """No camera near the fitted one has a smaller weighted error."""
    crop, weights = Crop.whole_image(6, 640, 480), rng.uniform(0, 1, (6, 14))
    pixels = rng.uniform(0, 480, (6, 14, 2))
    fitted = fit_weak_perspective(walk, pixels, weights, crop)

    def error(camera):
        return (weights[..., None] * (project(walk, camera, crop) - pixels) ** 2).sum()

    for change in np.concatenate([np.eye(3), -np.eye(3)]) * 0.02:
        assert error(fitted + change) > error(fitted)


@given(seeds)
def test_no_camera_fits_a_single_joint(seed):
    rng = np.random.default_rng(seed)
    weights = np.zeros((1, 14))
    weights[0, 3] = rng.uniform()
    joints, pixels = rng.normal(size=(1, 14, 3)), rng.uniform(0, 99, (1, 14, 2))
    assert np.isnan(
        fit_weak_perspective(joints, pixels, weights, Crop.whole_image(1, 99, 99))
    ).all()


@given(seeds)
def test_no_camera_fits_joints_that_all_lie_on_a_point(seed):
    rng = np.random.default_rng(seed)
    joints = np.tile(rng.normal(size=3), (1, 14, 1))
    pixels, weights = rng.uniform(0, 99, (1, 14, 2)), rng.uniform(size=(1, 14))
    assert np.isnan(
        fit_weak_perspective(joints, pixels, weights, Crop.whole_image(1, 99, 99))
    ).all()


def test_a_frame_that_nothing_fits_leaves_the_others_alone(walk):
    crop, camera = Crop.whole_image(6, 640, 480), np.tile([0.9, 0.1, 0.2], (6, 1))
    weights = np.ones((6, 14))
    weights[2] = 0
    fitted = fit_weak_perspective(walk, project(walk, camera, crop), weights, crop)
    assert np.flatnonzero(np.isnan(fitted).any(1)).tolist() == [2]
