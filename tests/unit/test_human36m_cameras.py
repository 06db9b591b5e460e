import numpy as np
import pytest
from human36m_files import GOLDEN
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from flowpose.datasets.human36m.actions import CAMERAS
from flowpose.datasets.human36m.cameras import SUBJECTS, camera_of
from flowpose.errors import InputError

ALL = [(subject, camera) for subject in SUBJECTS for camera in CAMERAS]
coordinates = st.floats(-1.5, 1.5, width=32)


def test_all_subjects_of_the_data_set_and_their_cameras_are_known():
    assert SUBJECTS == ("S1", "S5", "S6", "S7", "S8", "S9", "S11")
    assert CAMERAS == ("54138969", "55011271", "58860488", "60457274")


@pytest.mark.parametrize(("subject", "camera"), ALL)
def test_a_camera_turns_without_scaling_and_sees_a_man_in_the_middle_of_the_room(subject, camera):
    seen = camera_of(subject, camera)
    axes = seen.from_world(np.eye(3)) - seen.from_world(np.zeros(3))
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-5)
    assert np.linalg.det(axes) == pytest.approx(1, abs=1e-5)
    pelvis, head = seen.from_world(np.array([[0, 0, 0.9], [0, 0, 1.7]]))
    assert 4 < pelvis[2] < 6
    (x, y), (_, top) = seen.project(np.stack([pelvis, head]))
    assert 300 < x < 700 and 300 < y < 700
    assert 120 < y - top < 300


@given(st.tuples(coordinates, coordinates, coordinates), st.sampled_from(ALL))
def test_the_way_into_a_camera_and_back_leads_to_the_same_point(point, which):
    camera = camera_of(*which)
    seen = camera.from_world(np.array(point))
    np.testing.assert_allclose(camera.to_world(seen), point, atol=5e-6)


@given(st.tuples(coordinates, coordinates, st.floats(2, 8, width=32)), st.sampled_from(CAMERAS))
def test_projection_agrees_with_the_formula_in_px_and_double_precision(point, name):
    """docs/reference.md, 11, with the calibration as published instead of in half widths."""
    camera = camera_of("S9", name)
    half = camera.size[0] / 2
    x = np.clip(np.array(point[:2]) / point[2], -1, 1)
    r2 = x @ x
    k1, k2, k3 = camera.radial.astype(float)
    p = camera.tangential.astype(float)
    distorted = x * (1 + k1 * r2 + k2 * r2**2 + k3 * r2**3 + p @ x) + p * r2
    centre = camera.centre * half + np.array(camera.size) / 2
    expected = camera.focal * half * distorted + centre
    np.testing.assert_allclose(camera.project(np.array(point)), expected, atol=2e-3)


def test_a_point_on_the_axis_lies_on_the_published_principal_point():
    np.testing.assert_allclose(
        camera_of("S9", "60457274").project(np.array([0.0, 0, 5])), [514.968, 501.882], atol=1e-3
    )


def test_the_world_is_turned_as_the_quaternion_says():
    camera = camera_of("S11", "58860488")
    turn = Rotation.from_quat(np.roll(camera.orientation, -1))
    point = np.array([0.3, -0.7, 1.1])
    expected = turn.inv().apply(point - camera.position)
    np.testing.assert_allclose(camera.from_world(point), expected, atol=2e-6)


@pytest.mark.parametrize("subject", ["S9", "S11"])
@pytest.mark.parametrize("index", range(4))
def test_joints_lie_where_videopose3d_puts_them(subject, index):
    camera = camera_of(subject, CAMERAS[index])
    seen = camera.from_world(GOLDEN[f"pos3d/{subject}/Walking"])
    assert seen.dtype == np.float32
    golden = GOLDEN[f"cam3d_32/{subject}/Walking/{index}"]
    np.testing.assert_allclose(seen, golden, atol=3e-6)
    golden = GOLDEN[f"pos2d_32/{subject}/Walking/{index}"]
    np.testing.assert_allclose(camera.project(seen), golden, atol=1e-3)


def test_an_unknown_camera_or_subject_is_named():
    with pytest.raises(InputError, match=r"camera 7: expected one of .*60457274"):
        camera_of("S9", "7")
    with pytest.raises(InputError, match=r"subject S2: expected one of S1, S5"):
        camera_of("S2", "60457274")
