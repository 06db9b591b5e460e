import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.readers.mediapipe import MEDIAPIPE_33, read_detections, read_joints

F, SIZE = 8, (640, 480)


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
        file = tmp_path / "mediapipe.npz"
        return read_detections(file, camera), read_joints(file, camera)

    return run


def test_estimates_are_those_of_the_camera(read, arrays):
    detections, joints = read()
    np.testing.assert_array_equal(joints.points, arrays["world_m"][1])
    np.testing.assert_array_equal(detections.points, arrays["image_px"][1])
    np.testing.assert_array_equal(detections.confidence, arrays["visibility"][1])
    for found in (detections, joints):
        np.testing.assert_array_equal(found.frames, np.arange(F))
        assert (found.n_frames, found.numbering, found.image_size) == (F, "video", SIZE)
        assert found.skeleton == MEDIAPIPE_33
    assert joints.camera is None
    assert read("cam01")[0].image_size == (100, 100)


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
    with pytest.raises(InputError, match=r"image_px, world_m, visibility have \[8, 8, 7\] frames"):
        read(visibility=np.zeros((2, 7, 33)))


def test_a_frame_in_which_nobody_was_found_is_left_out(read, arrays):
    world, pixels, visibility = (arrays[n].copy() for n in ("world_m", "image_px", "visibility"))
    world[1, 3], pixels[1, 3], visibility[1, 3] = np.nan, np.nan, np.nan
    pixels[1, 5, 7, 1] = np.nan
    detections, joints = read(world_m=world, image_px=pixels, visibility=visibility)
    assert joints.frames.tolist() == [0, 1, 2, 4, 5, 6, 7] and joints.n_frames == F
    np.testing.assert_array_equal(joints.points, arrays["world_m"][1, joints.frames])
    lost = np.argwhere(detections.confidence == 0)
    assert lost.tolist() == [[3, joint] for joint in range(33)] + [[5, 7]]
    np.testing.assert_array_equal(detections.confidence[4], arrays["visibility"][1, 4])
