import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from flowpose.datasets.multiview import read_labels
from flowpose.errors import InputError
from flowpose.pose.skeletons import METRO_14

F = 6


@pytest.fixture
def arrays(rng):
    """Six frames of joints about the origin, 4 m in front of two cameras."""
    return {
        "cameras": np.array(["cam01", "cam02"]),
        "joints_world_mm": rng.normal(0, 300, (F, 14, 3)),
        "R": np.stack([np.eye(3), Rotation.from_euler("xyz", [0.1, 2, 0.3]).as_matrix()]),
        "t_mm": np.array([[0.0, 0, 4000], [100, -200, 4000]]),
        "K": np.array([[[1000.0, 0, 500], [0, 1100, 400], [0, 0, 1]]] * 2),
        "distortion": np.zeros((2, 4)),
        "video_to_calibration_scale": np.array([1.0, 2.0]),
        "video_to_calibration_offset_px": np.array([[0.0, 0], [30, -7]]),
    }


@pytest.fixture
def read(arrays, tmp_path):
    """Reads the arrays from a file, with some of them replaced, or left out where None."""

    def run(camera="cam01", **changes):
        kept = {name: value for name, value in (arrays | changes).items() if value is not None}
        np.savez(tmp_path / "multiview.npz", **kept)
        return read_labels(tmp_path / "multiview.npz", camera)

    return run


def pinhole(points):
    """Points in a camera's frame, any unit, as px of the calibration."""
    return points[..., :2] / points[..., 2:] * [1000, 1100] + [500, 400]


def test_a_point_straight_ahead_lies_on_the_principal_point(read):
    joints = read(joints_world_mm=np.zeros((F, 14, 3)))
    np.testing.assert_allclose(joints.joints_3d[0, 0], [0, 0, 4])
    np.testing.assert_allclose(joints.joints_2d[0, 0], [500, 400])


def test_joints_are_turned_and_shifted_into_the_camera_in_metres(read, arrays):
    joints = read("cam02").joints_3d
    expected = arrays["R"][1] @ arrays["joints_world_mm"][2, 5] + arrays["t_mm"][1]
    np.testing.assert_allclose(joints[2, 5], expected / 1000)


def test_joints_are_projected_and_brought_to_video_pixels(read):
    joints = read("cam02")
    calibration = (joints.joints_2d + [30, -7]) * 2
    np.testing.assert_allclose(calibration, pinhole(joints.joints_3d), atol=1e-6)


def test_lens_distortion_is_applied(read, arrays):
    k1, k2, p1, p2 = distortion = [0.1, -0.05, 0.01, -0.02]
    joints = read(distortion=np.array([distortion] * 2))
    x, y = np.moveaxis(joints.joints_3d[..., :2] / joints.joints_3d[..., 2:], -1, 0)
    r2 = x**2 + y**2
    radial = 1 + k1 * r2 + k2 * r2**2
    distorted_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x**2)
    distorted_y = y * radial + p1 * (r2 + 2 * y**2) + 2 * p2 * x * y
    expected = np.stack([1000 * distorted_x + 500, 1100 * distorted_y + 400], -1)
    np.testing.assert_allclose(joints.joints_2d, expected, atol=1e-6)
    assert np.abs(joints.joints_2d - read().joints_2d).max() > 1


def test_nothing_may_be_missing_at_the_end(read):
    labels = read()
    assert labels.may_lack == 0 and labels.video_size is None
    assert labels.skeleton_2d == labels.skeleton_3d == METRO_14


def test_joints_of_another_skeleton_are_refused(read):
    with pytest.raises(InputError, match=r"joints_world_mm: expected .* found \(6, 17, 3\)"):
        read(joints_world_mm=np.zeros((F, 17, 3)))


@pytest.mark.parametrize("name", ["joints_world_mm", "R", "K", "video_to_calibration_offset_px"])
def test_an_array_that_is_not_there_is_named(read, name):
    with pytest.raises(InputError, match=rf"multiview.npz: expected an array {name}, found"):
        read(**{name: None})


def test_a_camera_that_is_not_there_is_named(read):
    with pytest.raises(InputError, match=r"expected camera cam03, found cam01, cam02"):
        read("cam03")
