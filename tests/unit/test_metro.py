from pathlib import Path

import numpy as np
import pytest
from test_safe_pickle import save

from flowpose.errors import InputError
from flowpose.readers.metro import in_frames, read_metro
from flowpose.video.frames_file import View

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
    return read_metro(tmp_path / "walk_results.npz", 3)


def test_tensors_from_a_gpu_are_read_without_one():
    pose = read_metro(CUDA_FILE, 6)
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


def test_a_missing_frame_is_interpolated_and_marked(tmp_path, results):
    """Not shifted: the frames after it keep their places."""
    many = {t: {0: results[t % 3][0] | {"pred_camera": np.float32([0.8, t, 0])}} for t in range(10)}
    del many[4]
    save(tmp_path / "walk_results.npz", many)
    pose = read_metro(tmp_path / "walk_results.npz", 10)
    assert pose.missing == (4,)
    np.testing.assert_allclose(pose.camera[:, 1], np.arange(10))
    np.testing.assert_allclose(
        pose.joints_3d[4], (pose.joints_3d[3] + pose.joints_3d[5]) / 2, rtol=1e-6
    )
    np.testing.assert_array_equal(pose.joints_3d[5], pose.joints_3d[2])


@pytest.mark.parametrize("n_frames", [1, 5, 100])
def test_a_file_of_another_sequence_is_refused(tmp_path, results, n_frames):
    save(tmp_path / "walk_results.npz", {t: results[t % 3] for t in range(10)})
    message = f"results: 10 frames, of which {min(10, n_frames)} are among the {n_frames} that"
    with pytest.raises(InputError, match=message):
        read_metro(tmp_path / "walk_results.npz", n_frames)


def test_the_first_of_several_people_is_taken_with_a_warning(tmp_path, results, caplog):
    other = results[1][0] | {"pred_camera": np.float32([9, 9, 9])}
    results[1] = {0: results[1][0], 1: other}
    assert read(tmp_path, results).camera.max() < 1
    assert "frames [1] have more people than one: the first is taken" in caplog.text


@pytest.mark.parametrize("view", [View((0, 0, 600, 400)), View((30, 50, 400, 400), (0.5, 0.5))])
def test_crops_follow_the_view_of_the_video(tmp_path, results, view):
    pose = read(tmp_path, results)
    expected = view.to_frame(pose.project().astype(np.float64))
    np.testing.assert_allclose(in_frames(pose, view).project(), expected, atol=1e-3)


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
