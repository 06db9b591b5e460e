"""Poses in the formats of other tools, read back by readers of these."""

import numpy as np
import pandas as pd
import pytest

from flowpose.exports import pose_csv, pose_npz
from flowpose.exports.exported_pose import read_exported_pose
from flowpose.pose.pose_file import Pose, write_pose
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.weak_perspective import Crop
from flowpose.storage.plain_npz import read_npz
from flowpose.video.decoding import VideoInfo
from flowpose.video.frames_file import FramesHeader, View

INDEX = np.array([1, 6, 11, 16, 21, 26])
# Half the size, in the part of the video from (40, 20) on.
VIEW = View.of((640, 480), (40, 20, 400, 400), 200)
HEADER = FramesHeader(INDEX, INDEX / 50, VideoInfo((640, 480), 50.0, 30), VIEW)


def files(folder, joints, provenance, missing=(2,)):
    """pose_0.h5 and pose_2.h5 of joints, which were moved by 1 cm before."""
    n = len(joints)
    camera = np.tile([0.8, 0.1, -0.2], (n, 1))
    camera[:, 0] += np.arange(n) / 100
    crop = Crop.whole_image(n, *VIEW.size)
    before = Pose(joints + 0.01, camera, crop, missing)
    write_pose(folder / "pose_0.h5", before, provenance, header=HEADER)
    write_pose(folder / "pose_2.h5", Pose(joints, camera, crop), provenance)
    return folder / "pose_0.h5", folder / "pose_2.h5"


@pytest.fixture
def exported(tmp_path, walk, provenance):
    return read_exported_pose(*files(tmp_path, walk, provenance))


def test_joints_are_placed_in_the_picture_of_the_video(exported, walk):
    """A view of half the size from (40, 20) on, and a crop of 224 px as wide as it."""
    s = 0.8 + np.arange(6) / 100
    # A metre is s halves of the crop, which is all of the view's 200 px, 400 px of the video.
    np.testing.assert_allclose(exported.after.px_per_m, np.tile(s[:, None] * 200, 2))
    in_view = (s[:, None] * [0.1, -0.2] + 1) * 100
    np.testing.assert_allclose(exported.after.origin_px, (in_view + 0.5) * 2 - 0.5 + [40, 20])
    for placed, joints in ((exported.before, walk + 0.01), (exported.after, walk)):
        np.testing.assert_array_equal(placed.joints_3d, joints)
        expected = joints[..., :2] * placed.px_per_m[:, None] + placed.origin_px[:, None]
        np.testing.assert_allclose(placed.joints_2d, expected, atol=1e-4)
    assert exported.estimated.tolist() == [True, True, False, True, True, True]
    assert exported.header.index.tolist() == INDEX.tolist()


def test_a_view_gives_back_the_video_px():
    points = np.array([[0.0, 0.0], [639.0, 479.0], [123.4, 56.7]])
    np.testing.assert_allclose(VIEW.to_video(VIEW.to_frame(points)), points)
    # The middle of the first pixel of the view, of 2 x 2 of the video.
    np.testing.assert_allclose(VIEW.to_video(np.zeros((1, 2))), [[40.5, 20.5]])


def test_npz_holds_both_poses_and_how_they_project(tmp_path, exported, walk):
    pose_npz.write(tmp_path / "pose.npz", exported)
    found = read_npz(tmp_path / "pose.npz")
    assert tuple(found["joints"]) == METRO_14.joints and found["fps"] == pytest.approx(10)
    np.testing.assert_array_equal(found["frame"], INDEX)
    np.testing.assert_array_equal(found["time_s"], INDEX / 50)
    np.testing.assert_array_equal(found["joints_3d_after"], walk)
    np.testing.assert_array_equal(found["joints_3d_before"], walk + 0.01)
    for when in ("before", "after"):
        joints, scale = found[f"joints_3d_{when}"], found[f"px_per_m_{when}"]
        projected = joints[..., :2] * scale[:, None] + found[f"origin_px_{when}"][:, None]
        np.testing.assert_allclose(found[f"joints_2d_{when}"], projected, atol=1e-4)


def test_csv_has_a_row_a_frame_and_joint(tmp_path, exported, walk):
    pose_csv.write(tmp_path / "pose.csv", exported)
    table = pd.read_csv(tmp_path / "pose.csv")
    assert len(table) == 6 * 14
    assert table["joint"].tolist() == [*METRO_14.joints] * 6
    row = table[(table["frame"] == 11) & (table["joint"] == "l_wrist")].iloc[0]
    wrist = METRO_14.index["l_wrist"]
    assert row["time_s"] == 0.22 and row["estimated"] == 0
    after = row[["x_after_m", "y_after_m", "z_after_m"]].to_numpy(float)
    np.testing.assert_allclose(after, walk[2, wrist], atol=1e-6)
    before = row[["x_before_m", "y_before_m", "z_before_m"]].to_numpy(float)
    np.testing.assert_allclose(before, walk[2, wrist] + 0.01, atol=1e-6)
    for when, placed in (("before", exported.before), ("after", exported.after)):
        seen = row[[f"x_{when}_px", f"y_{when}_px"]].to_numpy(float)
        np.testing.assert_allclose(seen, placed.joints_2d[2, wrist], atol=1e-6)
