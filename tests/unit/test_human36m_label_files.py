"""The two label files: what we write is VideoPose3D's, what others wrote is recognised."""

import numpy as np
import pytest
from human36m_files import ACTIONS, GOLDEN, POSITIONS, save
from test_safe_pickle import Command

from flowpose.datasets.human36m.actions import CAMERAS
from flowpose.datasets.human36m.coordinates import coordinate_frame
from flowpose.datasets.human36m.h36m_skeletons import H36M_32
from flowpose.datasets.human36m.label_files import (
    labelled,
    read_labels_2d,
    read_labels_3d,
    write_labels_2d,
    write_labels_3d,
)
from flowpose.errors import InputError
from flowpose.storage.safe_pickle import read_pickled

WALKING = POSITIONS["S9"]["Walking"]
CAMERA = CAMERAS[3]
SEEN = GOLDEN["cam3d_32/S9/Walking/3"]


def test_3d_labels_are_those_of_videopose3d(tmp_path):
    write_labels_3d(tmp_path / "3d.npz", POSITIONS)
    written = np.load(tmp_path / "3d.npz", allow_pickle=True)["positions_3d"].item()
    assert list(written) == ["S9", "S11"] and sorted(written["S9"]) == sorted(ACTIONS)
    for subject, actions in written.items():
        for action, joints in actions.items():
            assert joints.dtype == np.float32
            np.testing.assert_array_equal(joints, GOLDEN[f"pos3d/{subject}/{action}"])


def test_2d_labels_are_those_of_videopose3d(tmp_path):
    write_labels_2d(tmp_path / "2d.npz", POSITIONS)
    file = np.load(tmp_path / "2d.npz", allow_pickle=True)
    assert file["metadata"].item() == {
        "num_joints": 17,
        "keypoints_symmetry": [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]],
    }
    labels = file["positions_2d"].item()
    assert list(labels) == ["S9", "S11"] and sorted(labels["S9"]) == sorted(ACTIONS)
    for subject, actions in labels.items():
        for action, views in actions.items():
            assert isinstance(views, list) and len(views) == 4
            for i, view in enumerate(views):
                assert view.dtype == np.float32 and view.shape == (9, 17, 2)
                golden = GOLDEN[f"pos2d/{subject}/{action}/{i}"]
                np.testing.assert_allclose(view, golden, atol=1e-3)


def test_all_32_joints_are_projected_where_asked_for(tmp_path):
    write_labels_2d(tmp_path / "2d.npz", POSITIONS, H36M_32)
    views = read_labels_2d(tmp_path / "2d.npz", "S9", "Walking")
    for i, camera in enumerate(CAMERAS):
        golden = GOLDEN[f"pos2d_32/S9/Walking/{i}"]
        np.testing.assert_allclose(views[camera], golden, atol=1e-3)


def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch):
    def fail_half_way(stream, **_):
        stream.write(b"half")
        raise OSError("broken")

    write_labels_3d(tmp_path / "3d.npz", POSITIONS)
    before = (tmp_path / "3d.npz").read_bytes()
    monkeypatch.setattr(np, "savez_compressed", fail_half_way)
    with pytest.raises(OSError, match="broken"):
        write_labels_3d(tmp_path / "3d.npz", POSITIONS)
    assert (tmp_path / "3d.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["3d.npz"]


def test_the_action_without_labels_is_left_out():
    one = {"Directions": WALKING, "Walking": WALKING}
    kept = labelled({"S9": one, "S11": one})
    assert {subject: sorted(actions) for subject, actions in kept.items()} == {
        "S9": ["Directions", "Walking"],
        "S11": ["Walking"],
    }


def test_labels_in_the_world_are_recognised(tmp_path):
    path = save(tmp_path / "3d.npz", positions_3d=POSITIONS)
    joints, frame = read_labels_3d(path, "S9", "Walking", CAMERA)
    np.testing.assert_array_equal(joints, WALKING)
    assert frame == "world"


def test_labels_in_the_cameras_frames_are_recognised(tmp_path):
    keys = {f"Walking.{name}": GOLDEN[f"cam3d_32/S9/Walking/{i}"] for i, name in enumerate(CAMERAS)}
    path = save(tmp_path / "3d.npz", positions_3d={"S9": keys})
    for i, name in enumerate(CAMERAS):
        joints, frame = read_labels_3d(path, "S9", "Walking", name)
        np.testing.assert_array_equal(joints, GOLDEN[f"cam3d_32/S9/Walking/{i}"])
        assert frame == "camera"


@pytest.mark.parametrize("key", ["TakingPhoto 1", f"TakingPhoto 1.{CAMERA}"])
def test_labels_under_the_videos_name_are_found(tmp_path, key):
    joints = SEEN if "." in key else WALKING
    path = save(tmp_path / "3d.npz", positions_3d={"S9": {key: joints}})
    np.testing.assert_array_equal(read_labels_3d(path, "S9", "Photo 1", CAMERA)[0], joints)


@pytest.mark.parametrize(
    ("key", "joints", "message"),
    [
        ("Walking", SEEN, "all cameras by their name, but .* in a camera's frame"),
        (f"Walking.{CAMERA}", WALKING, "one camera by their name, but .* in the world's frame"),
        ("Walking", WALKING - WALKING[:, :1], "relative to it"),
        ("Walking", 1000 * WALKING, "joints span 1.51e.03 m"),
        ("Walking", WALKING + np.float32([0, 0, 20]), r"pelvis is mostly at \(.*, 20.9\)"),
        ("Walking", WALKING + np.float32([9, 0, 0]), r"pelvis is mostly at \(8.58, "),
        ("Walking", np.full_like(WALKING, np.nan), r"expected known joints of .* found float32"),
        ("Walking", WALKING[:, :17], r"shape \(frames, 32, 3\), found float32 of shape \(9, 17, 3"),
        ("Walking", WALKING.astype(int), "found int64"),
        ("Walking", WALKING[:0], "found float32"),
        ("Walking", "a word", "found a word"),
    ],
)
def test_labels_that_are_not_what_their_key_says_are_refused(tmp_path, key, joints, message):
    path = save(tmp_path / "3d.npz", positions_3d={"S9": {key: joints}})
    with pytest.raises(InputError, match=rf"3d.npz: S9 {key}: .*{message}"):
        read_labels_3d(path, "S9", "Walking", CAMERA)


def test_missing_labels_are_named(tmp_path):
    path = save(tmp_path / "3d.npz", positions_3d=POSITIONS)
    with pytest.raises(InputError, match="expected labels of subject S1, found those of S9, S11"):
        read_labels_3d(path, "S1", "Walking", CAMERA)
    with pytest.raises(InputError, match="no labels of S9 Posing; found those of Eating 1, Walk"):
        read_labels_3d(path, "S9", "Posing", CAMERA)
    with pytest.raises(InputError, match=r"no labels of S11 Directions: its labels are left out"):
        read_labels_3d(path, "S11", "Directions", CAMERA)
    mono = save(tmp_path / "mono.npz", positions_3d={"S9": {"Walking.54138969": SEEN}})
    with pytest.raises(InputError, match=r"no labels of S9 Walking.60457274; .* Walking.54138969"):
        read_labels_3d(mono, "S9", "Walking", CAMERA)
    with pytest.raises(InputError, match=r"3d.npz: expected an entry positions_2d, found posit"):
        read_labels_2d(path, "S9", "Walking")


@pytest.mark.parametrize("content", [[1, 2], 7, {"S9": [WALKING]}, {}])
def test_a_file_of_something_else_is_named(tmp_path, content):
    path = save(tmp_path / "3d.npz", positions_3d=0)
    wrapped = np.empty((), object)
    wrapped[()] = content
    np.savez(path, positions_3d=wrapped)
    with pytest.raises(InputError, match=r"3d.npz: positions_3d: expected labels"):
        read_labels_3d(path, "S9", "Walking", CAMERA)


VIEWS = [GOLDEN[f"pos2d/S9/Walking/{i}"] for i in range(4)]


@pytest.mark.parametrize(
    ("views", "message"),
    [
        (VIEWS[:3], "expected labels of 4 cameras, 54138969, .*, found 3"),
        (VIEWS[0][0, 0, 0], "expected labels of 4 cameras, .*, found 0"),
        ([view[:, :14] for view in VIEWS], "expected 17 or 32 joints, found 14"),
        ([*VIEWS[:3], WALKING], r"camera 60457274: expected .*\(frames, 17, 2\), found .*32, 3"),
        ([VIEWS[0], VIEWS[1], VIEWS[2], [[1, 2], [3]]], r"expected an array of .*found \[\[1"),
        (np.zeros(()), "expected labels of 4 cameras, .*, found 0"),
        ([1, 2, 3, 4], "expected 17 or 32 joints, found 0"),
    ],
)
def test_2d_labels_of_other_cameras_or_joints_are_refused(tmp_path, views, message):
    wrapped = {"S9": {"Walking": views}}
    path = save(tmp_path / "2d.npz", positions_2d=wrapped)
    with pytest.raises(InputError, match=rf"2d.npz: S9 Walking.*{message}"):
        read_labels_2d(path, "S9", "Walking")


@pytest.mark.parametrize("place", ["action", "array"])
def test_labels_that_run_something_are_refused_and_nothing_runs(tmp_path, place):
    command = Command(tmp_path / "ran")
    held = np.array([command], object) if place == "array" else command
    path = save(tmp_path / "3d.npz", positions_3d={"S9": {"Walking": held}})
    with pytest.raises(InputError, match=r"3d.npz: refused: the file names \w+\.system"):
        read_labels_3d(path, "S9", "Walking", CAMERA)
    assert not (tmp_path / "ran").exists()


def test_a_flipped_byte_is_noticed(tmp_path, rng):
    write_labels_3d(tmp_path / "3d.npz", POSITIONS)
    content = (tmp_path / "3d.npz").read_bytes()
    for place in rng.integers(100, len(content) - 200, 40):
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.integers(8)
        (tmp_path / "bad.npz").write_bytes(damaged)
        with pytest.raises(InputError, match=r"bad.npz: no npz file that can be read"):
            read_pickled(tmp_path / "bad.npz", "positions_3d")


@pytest.mark.parametrize("length", [0, 50, 0.5, 0.99])
def test_a_truncated_file_is_named(tmp_path, length):
    write_labels_3d(tmp_path / "3d.npz", POSITIONS)
    content = (tmp_path / "3d.npz").read_bytes()
    kept = length if length > 1 else int(length * len(content))
    (tmp_path / "3d.npz").write_bytes(content[:kept])
    with pytest.raises(InputError, match=r"3d.npz: no npz file that can be read"):
        read_labels_3d(tmp_path / "3d.npz", "S9", "Walking", CAMERA)


def test_somebody_who_sits_or_is_known_in_some_frames_only_is_in_the_world():
    sitting = WALKING - np.float32([0, 0, 0.75])
    assert coordinate_frame(sitting, "here") == "world"
    sitting[1:] = np.nan
    sitting[0, 20] = np.nan
    assert coordinate_frame(sitting, "here") == "world"
