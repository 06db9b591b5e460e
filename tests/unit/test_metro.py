from pathlib import Path

import numpy as np
import pytest
from test_pickles import save

from flowpose.errors import InputError
from flowpose.metro import read_metro

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
    return read_metro(tmp_path / "walk_results.npz")


def test_tensors_from_a_gpu_are_read_without_one():
    pose = read_metro(CUDA_FILE)
    assert pose.joints_3d.shape == (6, 14, 3)
    assert np.isfinite(pose.project()).all()


@pytest.mark.parametrize("kind", [dict, list])
def test_frames_come_in_order_from_a_dictionary_or_a_list(tmp_path, results, kind):
    stored = dict(reversed(results.items())) if kind is dict else list(results.values())
    pose = read(tmp_path, stored)
    for t in range(3):
        np.testing.assert_array_equal(
            pose.joints_3d[t], results[t][0]["pred_3d_joints_from_smpl"][0]
        )
    np.testing.assert_allclose(pose.camera[:, 1], [0, 0.1, 0.2])
    np.testing.assert_array_equal(pose.crop.scale, [0.5, 1.5, 2.5])
    np.testing.assert_array_equal(pose.crop.start, [[100, 90]] * 3)


def test_a_missing_frame_is_named(tmp_path, results):
    results[3] = results.pop(1)
    with pytest.raises(InputError, match=r"results: frames 0 to 2 expected, no \[1\]"):
        read(tmp_path, results)


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


@pytest.mark.parametrize("empty", [{}, [], 7])
def test_a_file_without_frames_is_named(tmp_path, empty):
    with pytest.raises(InputError, match="expected a record a frame, found none"):
        read(tmp_path, empty)
