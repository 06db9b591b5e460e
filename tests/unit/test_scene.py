"""What an overlay shows besides pictures and flows."""

from dataclasses import replace

import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.pictures.scene import Scene, between, read_scene, remarks_of
from flowpose.pose.pose_file import Pose, write_pose
from flowpose.pose.repairs import Repairs
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.truth_file import Truth, write_truth
from flowpose.pose.weak_perspective import Crop
from flowpose.video.decoding import VideoInfo
from flowpose.video.frames_file import FramesHeader, View

T = 6
HEADER = FramesHeader(
    np.arange(T) * 5 + 1,
    np.array([0.0, 0.1, 0.2, 0.4, 0.5, 0.6]) + 0.02,
    VideoInfo((640, 480), 50.0, 40),
    View((100, 50, 400, 400), (0.5, 0.5)),
)


@pytest.fixture
def files(tmp_path, walk, provenance):
    """Writes the files of a sequence, whose truth is the pose a hand's width to the right."""

    def write(header=HEADER, known=True):
        paths = [tmp_path / name for name in ("pose_0.h5", "pose_2.h5", "truth.h5")]
        pose = Pose(walk, np.tile([0.7, 0.1, 0], (T, 1)), Crop.whole_image(T, 200, 200), (2,))
        write_pose(paths[0], pose, provenance, header=header)
        write_pose(paths[1], replace(pose, joints_3d=walk + 0.01), provenance)
        true = walk + [0.08, 0, 0] if known else np.full_like(walk, np.nan)
        pixels = pose.project().astype(float) + 9 if known else np.full((T, 14, 2), np.nan)
        write_truth(paths[2], Truth(true, pixels, METRO_14.joints, header.time), provenance)
        return paths[:2], paths[2], pose

    return write


def test_joints_are_in_px_of_the_video_and_relative_to_the_hips(files):
    poses, truth, pose = files()
    scene = read_scene(poses, truth)
    assert set(scene.joints_2d) == set(scene.joints_3d) == {"before", "after", "truth"}
    np.testing.assert_allclose(
        scene.joints_2d["before"], (pose.project() + 0.5) * 2 - 0.5 + [100, 50], rtol=1e-6
    )
    np.testing.assert_allclose(scene.joints_2d["truth"] - scene.joints_2d["before"], 18, atol=1e-3)
    for who in ("before", "after", "truth"):
        np.testing.assert_allclose(scene.joints_3d[who][:, 2:4].mean(1), 0, atol=1e-9)
        np.testing.assert_allclose(scene.joints_3d[who], scene.joints_3d["before"], atol=1e-6)
    assert scene.remarks == ("", "", "no estimate: pose interpolated", "", "", "")


def test_what_is_not_known_is_not_there(files):
    poses, truth, _ = files(known=False)
    assert set(read_scene(poses, truth).joints_2d) == {"before", "after"}
    assert set(read_scene(poses[:1], truth).joints_3d) == {"before"}


def test_without_times_there_is_no_video(files):
    poses, truth, _ = files(header=replace(HEADER, time=np.zeros(T)))
    with pytest.raises(InputError, match=r"pose_0\.h5: the video has no times"):
        read_scene(poses, truth)


def test_frames_in_between_are_evenly_spaced():
    scene = Scene(HEADER, {}, {}, ("",) * T)
    assert [scene.place(frame) for frame in (1, 6, 8, 26)] == [0, 1, 1.4, 5]
    assert scene.time(1) == 0.02 and scene.time(11) == 0.22
    # 0.2 s in five steps.
    assert scene.time(13) == pytest.approx(0.22 + 2 * 0.04)


def test_poses_are_interpolated_and_what_is_not_known_does_not_spread(rng):
    joints = rng.normal(size=(3, 14, 2))
    joints[1, 4] = np.nan
    poses = {"before": joints}
    np.testing.assert_array_equal(between(poses, 0)["before"], joints[0])
    np.testing.assert_array_equal(between(poses, 2)["before"], joints[2])
    half = between(poses, 0.25)["before"]
    assert np.isnan(half[4]).all() and np.isfinite(np.delete(half, 4, 0)).all()
    np.testing.assert_allclose(half[3], 0.75 * joints[0, 3] + 0.25 * joints[1, 3])


def test_remarks_say_what_was_done():
    no = np.zeros((4, 2), bool)
    detections, pose, masked = no.copy(), no.copy(), np.zeros((4, 14), bool)
    detections[1, 0] = detections[2] = pose[2, 1] = True
    masked[2, [6, 13]] = masked[3, 0] = True
    remarks = remarks_of(np.array([True, True, True, False]), Repairs(detections, pose, masked))
    assert remarks == (
        "",
        "left and right repaired: detections (legs)",
        "left and right repaired: detections (legs, arms), pose (arms); "
        "detections left out: r_wrist, head",
        "no estimate: pose interpolated; detections left out: r_ankle",
    )
    assert remarks_of(np.ones(2, bool), None) == ("", "")
