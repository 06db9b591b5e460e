"""Gaps in estimates: short ones are interpolated and marked, long ones refused, in seconds."""

import re
from dataclasses import replace

import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.pose.assembly import assemble_estimates
from flowpose.pose.estimates import CropCamera, Detections, Joints
from flowpose.pose.gaps import interpolated
from flowpose.pose.pose_file import read_pose, write_pose
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.weak_perspective import Crop
from flowpose.storage import stage_files
from flowpose.video.decoding import VideoInfo
from flowpose.video.frames_file import FramesHeader, View

SIZE, FPS = (640, 480), 50
PX_PER_M, MIDDLE = 150, np.array([320, 240])
N_VIDEO = 301


def header(first=0, step=5, count=None):
    index = np.arange(first, N_VIDEO, step)[:count]
    info = VideoInfo(SIZE, FPS, N_VIDEO)
    return FramesHeader(index, index / FPS, info, View.of(SIZE, None, None))


@pytest.fixture
def world(body, rng):
    """A man who sways, in all frames of the video, m."""
    sway = 0.2 * np.sin(np.arange(N_VIDEO) / 20)[:, None, None] * rng.normal(size=(14, 3))
    return body + sway


@pytest.fixture
def detections(world):
    return Detections(
        source="d.json",
        frames=np.arange(N_VIDEO),
        points=PX_PER_M * world[..., :2] + MIDDLE,
        confidence=np.ones((N_VIDEO, 14)),
        skeleton=METRO_14,
    )


@pytest.fixture
def estimates(world, detections):
    """The pose and keypoints that lack frames: as MediaPipe gives them, or METRO and DCPose."""

    def lacking(like, header, pose=(), keypoints=()):
        """`pose`, `keypoints`: lacking places among the frames used."""
        index = header.index
        there = np.setdiff1d(np.arange(len(index)), pose)
        joints = Joints(
            source="p.npz",
            frames=index[there],
            points=world[index[there]],
            skeleton=METRO_14,
            n_frames=N_VIDEO,
        )
        if like == "metro":
            n = len(there)
            crop = Crop(np.full(n, 1.0), np.tile(MIDDLE, (n, 1)).astype(float))
            camera = CropCamera(np.tile([PX_PER_M / 112, 0, 0], (n, 1)), crop)
            joints = replace(
                joints, frames=there, numbering="used", n_frames=len(index), camera=camera
            )
        seen = np.setdiff1d(np.arange(N_VIDEO), index[list(keypoints)])
        found = {"frames": seen, "points": detections.points[seen]}
        return joints, replace(detections, **found, confidence=np.ones((len(seen), 14))), header

    return lacking


like_both = pytest.mark.parametrize("like", ["mediapipe", "metro"])


def test_values_are_linear_in_time_and_held_at_the_ends():
    times = np.array([0, 0.1, 0.11, 0.2, 0.3, 0.35])
    uneven = replace(header(count=6), time=times)
    values = interpolated(np.array([[1.0, 0], [2, 10], [3, 0]]), [1, 3, 4], uneven)
    expected = [[1, 0], [1, 0], [1.1, 1], [2, 10], [3, 0], [3, 0]]
    np.testing.assert_allclose(values, expected, atol=1e-12)


# At 10 Hz: in the middle four frames are at most 0.2 s from one that is known, five up to 0.3 s.
@like_both
@pytest.mark.parametrize("lacking", [[0, 1], [30, 31, 32, 33], [59, 60], [3, 4, 5, 6, 8, 9]])
def test_short_gaps_are_interpolated_and_said(
    estimates, like, lacking, caplog, tmp_path, provenance
):
    used = header()
    pose, _ = assemble_estimates(*estimates(like, used, pose=lacking))
    assert pose.missing == tuple(lacking)
    frames = [5 * place for place in lacking]
    assert f"p.npz: no estimate in frames {frames}: interpolated, they count in no error" in (
        caplog.text
    )
    write_pose(tmp_path / "pose_0.h5", pose, provenance)
    assert read_pose(tmp_path / "pose_0.h5").missing == tuple(lacking)
    with stage_files.opened(tmp_path / "pose_0.h5") as h5:
        assert np.flatnonzero(~h5["estimated"][:]).tolist() == lacking


@like_both
@pytest.mark.parametrize(
    ("lacking", "gap", "first", "count"),
    [
        ([0, 1, 2], "0 to 10 (0.00 to 0.20 s)", 15, 58),
        ([30, 31, 32, 33, 34], "150 to 170 (3.00 to 3.40 s)", 0, 30),
        (range(20, 40), "100 to 195 (2.00 to 3.90 s)", 200, 21),
        ([58, 59, 60], "290 to 300 (5.80 to 6.00 s)", 0, 58),
        # The short gap is no reason to leave a frame out.
        ([*range(10, 16), 20, 59, 60], "50 to 75 (1.00 to 1.50 s)", 80, 45),
    ],
)
def test_long_gaps_are_refused_and_the_cure_named_works(
    estimates, like, lacking, gap, first, count
):
    with pytest.raises(InputError, match=r"p.npz: no estimate in frames .* interpolate") as error:
        assemble_estimates(*estimates(like, header(), pose=lacking))
    assert f"in frames {gap}, too long" in str(error.value)
    assert f"frames.first {first}, frames.count {count}" in str(error.value)
    rest = header(first, count=count)
    still = [place - first // 5 for place in lacking if 0 <= place - first // 5 < count]
    pose, _ = assemble_estimates(*estimates(like, rest, pose=still))
    assert pose.missing == tuple(still)


@pytest.mark.parametrize(("step", "most"), [(1, 24), (2, 12), (5, 4), (10, 2), (12, 1)])
def test_it_is_seconds_that_count(estimates, step, most):
    """Between two frames that are half a second apart at most, whatever the rate."""
    start = 7
    pose, _ = assemble_estimates(
        *estimates("mediapipe", header(step=step), pose=range(start, start + most))
    )
    assert len(pose.missing) == most
    with pytest.raises(InputError, match="no estimate in frames"):
        longer = range(start, start + most + 2)
        assemble_estimates(*estimates("mediapipe", header(step=step), pose=longer))


def test_several_long_gaps_are_named(estimates):
    lacking = [*range(5, 12), *range(20, 30), *range(50, 61)]
    with pytest.raises(InputError) as error:
        assemble_estimates(*estimates("mediapipe", header(), pose=lacking))
    gaps = re.findall(r"(\d+) to (\d+) \(", str(error.value))
    assert gaps == [("25", "55"), ("100", "145"), ("250", "300")]
    assert "frames.first 150, frames.count 20" in str(error.value)


def test_keypoints_may_be_lacking_for_long_if_the_pose_has_a_camera(estimates):
    gap = range(20, 40)
    pose, keypoints = assemble_estimates(*estimates("metro", header(), keypoints=gap))
    assert np.flatnonzero(~keypoints.confidence.any(1)).tolist() == list(gap)
    assert pose.missing == ()


def test_a_camera_is_not_fitted_over_a_long_gap(estimates):
    message = (
        r"p.npz and d.json: too few joints for a camera in frames 100 to 195 .*frames.first 200, "
        r"frames.count 21; or give a pose estimate with a camera"
    )
    with pytest.raises(InputError, match=message):
        assemble_estimates(*estimates("mediapipe", header(), keypoints=range(20, 40)))
    assemble_estimates(*estimates("mediapipe", header(), keypoints=range(20, 24)))
