import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.pose.pose_file import Pose
from flowpose.pose.weak_perspective import Crop
from flowpose.refinement.smoothing import gaussian_smoothed, savitzky_golay_smoothed

T = 60
both = pytest.mark.parametrize("smoothed", [gaussian_smoothed, savitzky_golay_smoothed])


def pose_of(joints, camera=None, crop=None):
    n = len(joints)
    camera = np.tile([0.9, 0.1, -0.2], (n, 1)) if camera is None else camera
    return Pose(joints, camera, crop or Crop.whole_image(n, 200, 100), (3,))


def moving(body, time):
    """The body, moved by a path over time (T,), along x."""
    return body + time[:, None, None] * np.array([1.0, 0, 0])


@both
def test_what_stands_still_stays(body, smoothed):
    pose = pose_of(moving(body, np.zeros(T)))
    found = smoothed(pose, 10.0)
    np.testing.assert_allclose(found.joints_3d, pose.joints_3d, atol=1e-12)
    np.testing.assert_allclose(found.camera, pose.camera, atol=1e-12)
    assert found.missing == (3,) and found.crop is pose.crop


@both
def test_constant_velocity_stays_but_at_the_ends(body, smoothed):
    path = 0.1 * np.arange(T)
    found = smoothed(pose_of(moving(body, path)), 10.0).joints_3d
    np.testing.assert_allclose(found[5:-5], moving(body, path)[5:-5], atol=1e-5)


def test_constant_acceleration_stays_under_a_parabola(body):
    path = 0.02 * np.arange(T) ** 2.0
    found = savitzky_golay_smoothed(pose_of(moving(body, path)), 10.0).joints_3d
    np.testing.assert_allclose(found, moving(body, path), atol=1e-9)


@pytest.mark.parametrize(
    ("smoothed", "factor"),
    [
        # Sum of squares of the weights: of a Gaussian of one frame 1 / (2 sqrt(pi)) or nearly, of
        # (-3, 12, 17, 12, -3) / 35 17 / 35.
        (gaussian_smoothed, 1 / (2 * np.sqrt(np.pi))),
        (savitzky_golay_smoothed, 17 / 35),
    ],
)
def test_noise_is_reduced_as_known(rng, smoothed, factor):
    noise = rng.standard_normal((4000, 14, 3))
    found = smoothed(pose_of(noise), 10.0).joints_3d
    assert found[5:-5].var() / noise.var() == pytest.approx(factor, rel=0.01)


@pytest.mark.parametrize("fps", [10.0, 25.0, 60.0])
def test_a_swing_is_reduced_alike_at_any_frame_rate(body, fps):
    """A Gaussian of 0.1 s reduces 1 Hz by exp(-(2 pi 0.1)^2 / 2)."""
    time = np.arange(round(20 * fps)) / fps
    found = gaussian_smoothed(pose_of(moving(body, np.sin(2 * np.pi * time))), fps).joints_3d
    inner = (time > 2) & (time < 18)
    swing = found[inner, 13, 0] - body[13, 0]
    expected = np.exp(-((2 * np.pi * 0.1) ** 2) / 2) * np.sin(2 * np.pi * time[inner])
    np.testing.assert_allclose(swing, expected, atol=2e-3)


@pytest.mark.parametrize(("fps", "reach"), [(5.0, 2), (10.0, 2), (30.0, 7), (60.0, 14)])
def test_the_parabola_is_of_half_a_second_and_of_five_frames_at_least(body, fps, reach):
    joints = moving(body, np.zeros(T))
    joints[30, 5, 1] += 1
    found = savitzky_golay_smoothed(pose_of(joints), fps).joints_3d
    changed = np.flatnonzero(np.abs(found - moving(body, np.zeros(T))).max((1, 2)) > 1e-9)
    assert (changed.min(), changed.max()) == (30 - reach, 30 + reach)


@both
def test_what_is_smoothed_in_the_picture_does_not_depend_on_the_crops(body, rng, smoothed):
    """The same picture by the crop of each frame, as METRO's, and by one crop of all frames."""
    joints = moving(body, 0.05 * rng.standard_normal(T))
    whole = pose_of(joints, np.tile([0.9, 0.1, -0.2], (T, 1)) + rng.normal(0, 0.02, (T, 3)))
    scale, start = rng.uniform(0.5, 2, T), rng.uniform(0, 300, (T, 2))
    s = whole.camera[:, :1] * (scale / whole.crop.scale)[:, None]
    middle = (whole.camera[:, :1] * whole.camera[:, 1:] + 1) * 112 + whole.crop.start - 112
    middle = middle / whole.crop.scale[:, None] * scale[:, None]
    shift = ((middle - start + 112) / 112 - 1) / s
    own = pose_of(joints, np.hstack([s, shift]), Crop(scale, start))
    np.testing.assert_allclose(own.project(), whole.project(), atol=1e-2)
    found, expected = smoothed(own, 10.0).project(), smoothed(whole, 10.0).project()
    np.testing.assert_allclose(found, expected, atol=1e-2)
    steps = [
        np.linalg.norm(np.diff(x, n=2, axis=0), axis=-1).mean() for x in (found, own.project())
    ]
    assert steps[0] < 0.5 * steps[1]


@both
@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_the_shortest_sequences_are_smoothed_too(body, smoothed, n):
    pose = pose_of(moving(body, np.arange(n) * 0.1))
    found = smoothed(pose, 30.0).joints_3d
    assert found.shape == pose.joints_3d.shape and np.isfinite(found).all()


@both
@pytest.mark.parametrize("fps", [0.0, float("nan")])
def test_frames_whose_rate_is_not_known_are_refused(body, smoothed, fps):
    with pytest.raises(InputError, match="does the video say its frame rate"):
        smoothed(pose_of(moving(body, np.zeros(T))), fps)
