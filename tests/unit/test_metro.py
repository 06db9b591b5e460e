from pathlib import Path

import numpy as np
import pytest
import torch
from test_safe_pickle import save

from flowpose.errors import InputError
from flowpose.readers.metro import read_joints

CUDA_FILE = Path(__file__).parents[1] / "golden" / "metro_cuda_fixture_results.npz"


@pytest.fixture
def results(rng):
    """Three frames of one person, as METRO stores them."""
    return {
        t: {
            0: {
                "pred_3d_joints_from_smpl": rng.normal(size=(1, 14, 3)).astype(np.float32),
                "pred_camera": np.float32([0.8, 0.1 * t, 0]),
                "proc_param": {"scale": 0.5 + t, "start_pt": np.array([100, 90]), "img_size": 224},
            }
        }
        for t in range(3)
    }


def read(tmp_path, results):
    save(tmp_path / "walk_results.npz", results)
    return read_joints(tmp_path / "walk_results.npz")


def test_tensors_from_a_gpu_are_read_without_one():
    joints = read_joints(CUDA_FILE)
    assert joints.points.shape == (6, 14, 3) and joints.n_frames == 6
    assert np.isfinite(joints.points).all() and np.isfinite(joints.camera.parameters).all()


@pytest.mark.parametrize("kind", [dict, list])
def test_frames_come_in_order_from_a_dictionary_or_a_list(tmp_path, results, kind):
    stored = dict(reversed(results.items())) if kind is dict else list(results.values())
    joints = read(tmp_path, stored)
    assert (joints.frames.tolist(), joints.numbering, joints.n_frames) == ([0, 1, 2], "used", 3)
    for t in range(3):
        np.testing.assert_array_equal(
            joints.points[t], results[t][0]["pred_3d_joints_from_smpl"][0]
        )
    camera = joints.camera
    np.testing.assert_allclose(camera.parameters[:, 1], [0, 0.1, 0.2])
    np.testing.assert_array_equal(camera.crop.scale, [0.5, 1.5, 2.5])
    np.testing.assert_array_equal(camera.crop.start, [[100, 90]] * 3)
    assert camera.crop.size == 224


def test_a_frame_that_is_not_there_is_left_out(tmp_path, results):
    """Not shifted: the frames after it keep their places."""
    del results[1]
    joints = read(tmp_path, results)
    assert (joints.frames.tolist(), joints.n_frames) == ([0, 2], 3)
    np.testing.assert_allclose(joints.camera.parameters[:, 1], [0, 0.2])


def test_the_first_of_several_people_is_taken_with_a_warning(tmp_path, results, caplog):
    other = results[1][0] | {"pred_camera": np.float32([9, 9, 9])}
    results[1] = {0: results[1][0], 1: other}
    assert read(tmp_path, results).camera.parameters.max() < 1
    assert "frames [1] have more people than one: the first is taken" in caplog.text


def test_a_value_that_is_not_finite_is_named(tmp_path, results):
    results[1][0]["pred_camera"][2] = np.nan
    with pytest.raises(InputError, match=r"results\[1\]: pred_camera: values that are not finite"):
        read(tmp_path, results)


def test_other_joints_are_named(tmp_path, results):
    results[2][0]["pred_3d_joints_from_smpl"] = np.zeros((17, 3))
    with pytest.raises(
        InputError, match=r"results\[2\].*expected shape \(14, 3\), found \(17, 3\)"
    ):
        read(tmp_path, results)


def test_a_record_without_a_camera_is_named(tmp_path, results):
    del results[0][0]["pred_camera"]
    with pytest.raises(InputError, match=r"results\[0\]: METRO's pred_camera expected"):
        read(tmp_path, results)


def test_a_tensor_that_wants_gradients_is_read(tmp_path, results):
    camera = torch.tensor([0.8, 0.3, 0], requires_grad=True)
    results[1][0]["pred_camera"] = camera
    joints = read(tmp_path, results)
    np.testing.assert_array_equal(joints.camera.parameters[1], camera.detach())


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("scale", None, r"proc_param: METRO's scale expected, found start_pt, img_size"),
        ("scale", 0, r"proc_param: scale: expected a number above 0, found 0.0"),
        ("scale", "half", r"proc_param: scale: expected numbers, found 'half'"),
        ("scale", np.nan, r"proc_param: scale: values that are not finite"),
        ("start_pt", [1, 2, 3], r"proc_param: start_pt: expected shape \(2,\), found \(3,\)"),
        ("start_pt", {}, r"proc_param: start_pt: expected numbers, found {}"),
        ("img_size", 256, r"proc_param: img_size: crops of 224, 256 px"),
    ],
)
def test_a_crop_that_is_none_is_named(tmp_path, results, key, value, message):
    crop = results[2][0]["proc_param"]
    if value is None:
        del crop[key]
    else:
        crop[key] = value
    with pytest.raises(InputError, match=rf"results\[2\]: {message}"):
        read(tmp_path, results)


@pytest.mark.parametrize("crop", [None, 224, [0.5, 100, 90]])
def test_a_record_of_another_form_is_named(tmp_path, results, crop):
    results[1][0]["proc_param"] = crop
    with pytest.raises(InputError, match=r"results\[1\]: proc_param: expected scale, start_pt and"):
        read(tmp_path, results)


@pytest.mark.parametrize("empty", [{}, [], 7])
def test_a_file_without_frames_is_named(tmp_path, empty):
    with pytest.raises(InputError, match="expected a record a frame, found none"):
        read(tmp_path, empty)


def test_records_that_are_not_by_frame_are_named(tmp_path, results):
    with pytest.raises(InputError, match=r"by the number of their frame, found \['walk'\]"):
        read(tmp_path, results | {"walk": results[0]})
