"""The truth of one sequence of Human3.6M: which labels belong to it, and in which frames."""

from pathlib import Path

import numpy as np
import pytest
from human36m_files import GOLDEN, POSITIONS, save
from hypothesis import given
from hypothesis import strategies as st

from flowpose.datasets.human36m.actions import CAMERAS
from flowpose.datasets.human36m.cameras import camera_of
from flowpose.datasets.human36m.h36m_skeletons import H36M_17, H36M_32
from flowpose.datasets.human36m.label_files import write_labels_2d, write_labels_3d
from flowpose.datasets.human36m.recordings import MISSING_AT_END, read_labels
from flowpose.errors import InputError
from flowpose.pose.labels import assemble_truth
from flowpose.pose.skeletons import METRO_14
from flowpose.video.decoding import VideoInfo
from flowpose.video.frames_file import FramesHeader, View

F = 9
SIZE = (1000, 1002)
# docs/reference.md, 10.
METRO_OF_32 = [3, 2, 1, 6, 7, 8, 27, 26, 25, 17, 18, 19, 13, 15]
SEEN = GOLDEN["cam3d_32/S9/Walking/3"]
VIEWS = [GOLDEN[f"pos2d/S9/Walking/{i}"] for i in range(4)]
BY_CAMERA = {f"Walking.{CAMERAS[3]}": SEEN}


@pytest.fixture
def files(tmp_path):
    """Both label files as VideoPose3D makes them."""
    write_labels_3d(tmp_path / "3d.npz", POSITIONS)
    write_labels_2d(tmp_path / "2d.npz", POSITIONS)
    return tmp_path / "3d.npz", tmp_path / "2d.npz"


def read(files, subject="S9", action="Walking", camera=CAMERAS[3]):
    return read_labels(*files, subject=subject, action=action, camera=camera)


def header(*index, size=SIZE, width=None, crop=None):
    index = np.array(index)
    return FramesHeader(index, index / 50, VideoInfo(size, 50.0, 99), View.of(size, crop, width))


@pytest.mark.parametrize("camera", CAMERAS)
def test_world_labels_come_into_the_cameras_frame(files, camera):
    labels = read(files, camera=camera)
    index = CAMERAS.index(camera)
    golden = GOLDEN[f"cam3d_32/S9/Walking/{index}"]
    np.testing.assert_allclose(labels.joints_3d, golden, atol=3e-6)
    golden = GOLDEN[f"pos2d/S9/Walking/{index}"]
    np.testing.assert_allclose(labels.joints_2d, golden, atol=1e-3)
    assert labels.skeleton_2d == H36M_17 and labels.video_size == camera_of("S9", camera).size
    assert labels.remarks == ("the 3D labels are in the frame of the world",)


def test_labels_of_a_camera_stay_as_they_are(files):
    save(files[0], positions_3d={"S9": BY_CAMERA})
    labels = read(files)
    np.testing.assert_array_equal(labels.joints_3d, SEEN)
    assert labels.video_size == SIZE
    assert labels.remarks == ("the 3D labels are in the frame of the camera",)


def test_truth_has_the_frames_that_are_used_under_their_joints_names(files):
    true = assemble_truth(read(files), header(1, 6))
    np.testing.assert_allclose(true.joints_3d, SEEN[[1, 6]][:, METRO_OF_32], atol=3e-6)
    np.testing.assert_allclose(true.joints_2d, VIEWS[3][[1, 6]], atol=1e-3)
    assert true.names_2d == H36M_17.joints and true.joints_3d.shape == (2, len(METRO_14), 3)


def test_2d_labels_are_in_px_of_the_cropped_and_scaled_frames(files):
    true = assemble_truth(read(files), header(2, 3, crop=(100, 50, 800, 900), width=400))
    expected = (VIEWS[3][[2, 3]] - [100, 50] + 0.5) / 2 - 0.5
    np.testing.assert_allclose(true.joints_2d, expected, atol=1e-3)


def test_all_32_joints_keep_their_names(files):
    write_labels_2d(files[1], POSITIONS, H36M_32)
    true = assemble_truth(read(files), header(0, 1))
    assert true.names_2d == H36M_32.joints
    golden = GOLDEN["pos2d_32/S9/Walking/3"][:2]
    np.testing.assert_allclose(true.joints_2d, golden, atol=1e-3)


def test_frames_shortly_after_the_last_label_are_unknown(files):
    true = assemble_truth(read(files), header(3, F - 1, F, F + MISSING_AT_END - 1))
    for points in (true.joints_3d, true.joints_2d):
        assert np.isfinite(points[:2]).all() and np.isnan(points[2:]).all()


def test_labels_much_shorter_than_the_video_are_refused(files):
    with pytest.raises(InputError, match=r"S9 Walking: labels of 9 frames, frame 19 .*'s 99 is"):
        assemble_truth(read(files), header(3, F + MISSING_AT_END))


def test_a_video_of_another_size_is_refused(files):
    with pytest.raises(InputError, match=r"labels for a video of \(1000, 1002\) px, .*\(500, 501"):
        assemble_truth(read(files), header(0, 1, size=(500, 501)))


@pytest.mark.parametrize("form", ["world", "camera"])
@pytest.mark.parametrize("order", [(3, 1, 2, 0), (0, 2, 3, 1), (1, 2, 0, 0)])
def test_cameras_in_another_order_are_refused_by_name(files, form, order):
    if form == "camera":
        save(files[0], positions_3d={"S9": BY_CAMERA})
    save(files[1], positions_2d={"S9": {"Walking": [VIEWS[i] for i in order]}})
    found = CAMERAS[order[3]]
    message = rf"2d.npz: S9 Walking: .*place of camera 60457274 are those of {found}"
    with pytest.raises(InputError, match=message):
        read(files)


def test_2d_labels_that_no_camera_sees_of_world_labels_are_refused(files):
    other = [GOLDEN[f"pos2d/S11/Walking/{i}"] for i in range(4)]
    save(files[1], positions_2d={"S9": {"Walking": other}})
    with pytest.raises(
        InputError, match=r"not what camera 60457274 or another sees .*another subj"
    ):
        read(files)


def test_2d_labels_that_do_not_fit_labels_of_a_camera_are_only_remarked_on(files):
    """Both are used as they are, and they may be of a video that was made smaller."""
    save(files[0], positions_3d={"S9": BY_CAMERA})
    half = [view / 2 for view in VIEWS]
    save(files[1], positions_2d={"S9": {"Walking": half}})
    labels = read(files)
    assert labels.video_size is None and "no" in labels.remarks[1]
    true = assemble_truth(labels, header(0, 1, size=(500, 501)))
    np.testing.assert_allclose(true.joints_2d, half[3][:2])


def test_the_authors_form_of_labels_is_read():
    """The golden workspace's: synthetic, so Human3.6M's cameras do not see it."""
    data = Path(__file__).parents[1] / "golden" / "ws_s0" / "data"
    labels = read((data / "data_3d_h36m.npz", data / "h36m" / "data_2d_h36m_gt.npz"))
    assert labels.joints_3d.shape == (40, 32, 3) and labels.joints_2d.shape == (40, 32, 2)
    assert labels.remarks[0] == "the 3D labels are in the frame of the camera"


@given(st.integers(0, 3), st.floats(0, 2), st.randoms(use_true_random=False))
def test_labels_within_a_few_px_are_those_of_their_camera(tmp_path_factory, index, noise, random):
    rng = np.random.default_rng(random.randrange(2**32))
    folder = tmp_path_factory.mktemp("labels")
    save(folder / "3d.npz", positions_3d={"S9": {"Walking": POSITIONS["S9"]["Walking"]}})
    views = [view + rng.normal(0, noise, view.shape).astype(np.float32) for view in VIEWS]
    save(folder / "2d.npz", positions_2d={"S9": {"Walking": views}})
    labels = read((folder / "3d.npz", folder / "2d.npz"), camera=CAMERAS[index])
    np.testing.assert_array_equal(labels.joints_2d, views[index])


def test_3d_and_2d_labels_of_different_lengths_are_refused(files):
    save(files[1], positions_2d={"S9": {"Walking": [view[:5] for view in VIEWS]}})
    with pytest.raises(InputError, match="3D labels of 9 frames, 2D labels of 5"):
        read(files)


def test_labels_known_to_be_off_are_remarked_on(files):
    for path, name in zip(files, ("positions_3d", "positions_2d"), strict=True):
        labels = np.load(path, allow_pickle=True)[name].item()["S9"]
        save(path, **{name: {"S9": {"Waiting 1": labels["Walking"]}}})
    assert "200 mm off" in read(files, action="Waiting 1").remarks[1]


def test_an_unknown_camera_is_named(files):
    with pytest.raises(InputError, match="camera 12345678: expected one of"):
        read(files, camera="12345678")
