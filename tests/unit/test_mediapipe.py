import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.pose.skeletons import MEDIAPIPE_33, METRO_14, convert
from flowpose.readers.mediapipe import check_video, keypoints, pose, read_mediapipe
from flowpose.video.decoding import VideoInfo
from flowpose.video.frames_file import FramesHeader, View

F, SIZE = 8, (640, 480)
HEADER = FramesHeader(
    np.array([1, 4, 7]), VideoInfo(SIZE, 30.0, F), View.of(SIZE, (40, 60, 400, 400), 200)
)


@pytest.fixture
def arrays(rng):
    """Two cameras of which the second is as far away as the scale of its pixels says."""
    world = rng.normal(0, 0.4, (2, F, 33, 3))
    return {
        "cameras": np.array(["cam01", "cam02"]),
        "image_size_px": np.array([[100, 100], SIZE]),
        "world_m": world,
        "image_px": 150 * world[..., :2] + [250, 240],
        "visibility": rng.uniform(0.1, 1, (2, F, 33)),
    }


@pytest.fixture
def read(arrays, tmp_path):
    """Reads the arrays from a file, with some of them replaced, or left out where None."""

    def run(camera="cam02", **changes):
        kept = {name: value for name, value in (arrays | changes).items() if value is not None}
        np.savez(tmp_path / "mediapipe.npz", **kept)
        return read_mediapipe(tmp_path / "mediapipe.npz", camera)

    return run


def test_estimates_are_those_of_the_camera(read, arrays):
    estimates = read()
    np.testing.assert_array_equal(estimates.world, arrays["world_m"][1])
    np.testing.assert_array_equal(estimates.pixels, arrays["image_px"][1])
    np.testing.assert_array_equal(estimates.visibility, arrays["visibility"][1])
    assert estimates.image_size == SIZE
    assert read("cam01").image_size == (100, 100)


def test_a_camera_that_is_not_there_is_named(read):
    with pytest.raises(InputError, match=r"mediapipe.npz: expected camera cam09, found cam01"):
        read("cam09")


@pytest.mark.parametrize("name", ["cameras", "world_m", "image_px", "visibility", "image_size_px"])
def test_an_array_that_is_not_there_is_named(read, name):
    with pytest.raises(InputError, match=rf"mediapipe.npz: expected an array {name}, found"):
        read(**{name: None})


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("world_m", (2, F, 14, 3)),
        ("world_m", (2, F, 33, 2)),
        ("image_px", (F, 33, 2)),
        ("visibility", (2, F)),
        ("visibility", (2, F, 33, 1)),
        ("world_m", (1, F, 33, 3)),
    ],
)
def test_arrays_of_another_shape_are_named(read, name, shape):
    message = rf"mediapipe.npz: {name}: expected \(cameras, frames, 33.* found \({shape[0]}, "
    with pytest.raises(InputError, match=message):
        read(**{name: np.zeros(shape)})


@pytest.mark.parametrize("shape", [(2, 3), (1, 2), (2,)])
def test_image_sizes_of_another_shape_are_named(read, shape):
    with pytest.raises(InputError, match=r"image_size_px: expected \(cameras, 2\), found \("):
        read(image_size_px=np.zeros(shape, int))


def test_arrays_of_unequal_length_are_refused(read):
    with pytest.raises(InputError, match=r"visibility have \[8, 8, 7\] frames"):
        read(visibility=np.zeros((2, 7, 33)))


@pytest.mark.parametrize("name", ["world_m", "image_px", "visibility"])
def test_values_that_are_not_finite_are_named(read, arrays, name):
    broken = arrays[name].copy()
    broken[1, [5, 3], 2] = np.nan
    message = rf"mediapipe.npz: {name} of cam02: \d values are not finite, the first in frame 3"
    with pytest.raises(InputError, match=message):
        read(**{name: broken})
    read("cam01", **{name: broken})


def test_estimates_of_a_video_of_another_size_are_refused(read):
    video = VideoInfo((480, 640), 30.0, F)
    with pytest.raises(InputError, match=r"e.npz: image_size_px: .*640 x 480.*480 x 640"):
        check_video(read(), "e.npz", video, [1, 4])


def test_estimates_of_too_few_frames_are_refused(read):
    video = VideoInfo(SIZE, 30.0, 99)
    check_video(read(), "e.npz", video, [0, F - 1])
    with pytest.raises(InputError, match=r"e.npz: world_m: estimates of 8 frames, frame 8"):
        check_video(read(), "e.npz", video, [0, F])


def test_keypoints_are_in_frame_pixels_of_the_frames_used(read, arrays):
    detected = keypoints(read(), HEADER)
    ankle = arrays["image_px"][1, [1, 4, 7], 28]
    expected = (ankle - [40, 60] + 0.5) * 0.5 - 0.5
    np.testing.assert_allclose(detected.joints_2d[:, 0], expected)
    visibility = arrays["visibility"][1, [1, 4, 7]]
    np.testing.assert_array_equal(detected.confidence[:, 0], visibility[:, 28])
    np.testing.assert_array_equal(detected.confidence[:, 12], visibility[:, 11:13].min(1))


@pytest.mark.parametrize("shift", [(0, 0), (-200, -150), (150, 100)])
def test_pose_is_projected_to_where_it_was_detected(read, arrays, shift):
    estimates = read(image_px=arrays["image_px"] + shift)
    detected = keypoints(estimates, HEADER)
    estimated = pose(estimates, HEADER, detected, "e.npz")
    world = convert(arrays["world_m"][1, [1, 4, 7]], MEDIAPIPE_33, METRO_14)
    np.testing.assert_array_equal(estimated.joints_3d, world)
    np.testing.assert_allclose(estimated.project(), detected.joints_2d, atol=1e-3)


def test_a_pose_that_is_not_that_of_the_picture_is_refused(read, arrays):
    pixels = arrays["image_px"].copy()
    pixels[1, 4] = 600 - pixels[1, 4]
    message = r"e.npz: world_m and image_px: no camera brings them together in frame 4"
    estimates = read(image_px=pixels)
    with pytest.raises(InputError, match=message):
        pose(estimates, HEADER, keypoints(estimates, HEADER), "e.npz")


def test_a_pose_of_which_nothing_is_visible_is_refused(read, arrays):
    visibility = arrays["visibility"].copy()
    visibility[1, 7] = 0
    estimates = read(visibility=visibility)
    with pytest.raises(InputError, match="no camera brings them together in frame 7"):
        pose(estimates, HEADER, keypoints(estimates, HEADER), "e.npz")
