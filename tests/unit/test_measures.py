"""The default energy depends on neither the size of the frames nor their rate."""

import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.pose.person_size import person_height
from flowpose.pose.pose_file import Pose
from flowpose.pose.weak_perspective import Crop
from flowpose.refinement.energy import PoseEnergy, PoseWeights
from flowpose.refinement.measures import Measures
from flowpose.refinement.refine import PoseOptions, refine_pose

SIDE = 224
NOTHING = dict.fromkeys(("prior", "temporal", "bones", "camera", "keypoints", "flow"), 0)


def scene(body, rng, *, scale):
    """A man who walks in frames of `scale` times 224 px, in flow that is linear in the place.

    Pixel centres are at whole numbers, so a point at x is at scale (x + 1/2) - 1/2.
    """
    n = 8
    joints = body + rng.normal(0, 0.03, (n, 14, 3))
    camera = np.tile([0.8, 0.02, -0.01], (n, 1)) + rng.normal(0, 0.01, (n, 3))
    crop = Crop.whole_image(n, SIDE, SIDE)
    small = Pose(joints, camera, crop)
    pixels = small.project().astype(float) + rng.normal(0, 3, (n, 14, 2))
    crop_scale = crop.scale / scale
    shift = (scale - 1) / 2 * crop_scale[:, None]
    pose = Pose(joints, camera, Crop(crop_scale, crop.start + shift))
    detections = scale * (pixels + 0.5) - 0.5
    side = round(scale * SIDE)
    y, x = ((np.mgrid[:side, :side] + 0.5) / scale) / SIDE
    field = scale * np.stack([6 * x - 2 * y + 1, 3 * y - x], -1)
    flow = np.tile(field.astype(np.float32), (n - 1, 1, 1, 1))
    return pose, detections, np.ones((n, 14)), flow


def test_frames_of_twice_the_size_give_the_same_pose(body):
    measures = Measures("person", "velocity", np.full(7, 0.1), knee=1)
    small, large = (
        refine_pose(
            *scene(body, np.random.default_rng(3), scale=scale),
            options=PoseOptions(measures=measures),
        ).pose
        for scale in (1, 2)
    )
    np.testing.assert_allclose(large.joints_3d, small.joints_3d, atol=1e-6)
    moved = np.abs(small.joints_3d - scene(body, np.random.default_rng(3), scale=1)[0].joints_3d)
    assert moved.mean() > 0.005


def test_pixels_as_they_are_depend_on_the_size(body):
    small, large = (
        refine_pose(*scene(body, np.random.default_rng(3), scale=s), options=PoseOptions()).pose
        for s in (1, 2)
    )
    assert np.abs(large.joints_3d - small.joints_3d).max() > 0.002


def test_a_person_of_500_px_in_frames_a_tenth_of_a_second_apart_has_the_papers_energy(body):
    height = person_height(scene(body, np.random.default_rng(0), scale=1)[0].project())
    large = scene(body, np.random.default_rng(0), scale=500 / height)
    paper, ours = (
        PoseEnergy(*large, weights=PoseWeights(), measures=measures, dtype=np.float64)
        for measures in (Measures(), Measures("person", "rest", np.full(7, 0.1)))
    )
    values = [energy.value(energy.state(energy.start)) for energy in (ours, paper)]
    assert values[0] == pytest.approx(values[1], rel=1e-5)


@pytest.mark.parametrize("seconds", [None, [0.1] * 5, [0.02, 0.1, 0.3, 0.04, 0.1]])
def test_constant_velocity_costs_nothing(body, seconds):
    seconds = None if seconds is None else np.array(seconds)
    times = np.cumsum([0, *(seconds if seconds is not None else np.ones(5))])
    velocity = np.array([1.5, -0.3, 0.7])
    joints = body + times[:, None, None] * velocity
    camera = np.array([0.8, 0, 0]) + times[:, None] * [0.01, 0.4, 0.2]
    pose = Pose(joints, camera, Crop.whole_image(6, 64, 64))
    inputs = pose, pose.project().astype(float), np.zeros((6, 14)), np.zeros((5, 64, 64, 2), "f4")
    measures = Measures("person", "velocity", seconds)
    energy = PoseEnergy(*inputs, weights=PoseWeights(), measures=measures, dtype=np.float64)
    terms = energy.terms(energy.state(energy.start))
    assert max(terms["temporal"].max(), terms["camera"].max()) < 1e-20
    rest = PoseEnergy(*inputs, weights=PoseWeights(), dtype=np.float64)
    assert rest.terms(rest.state(rest.start))["temporal"].min() > 0.001


def test_second_differences_are_those_over_a_tenth_of_a_second_whenever_the_frames_are():
    seconds = np.array([0.02, 0.1, 0.3, 0.04])
    times = np.cumsum([0, *seconds])
    stencil = Measures("person", "velocity", seconds).stencil(5)
    position = 0.5 * 3.0 * times**2  # 3 m/s^2
    for row, start in zip(stencil, range(3), strict=True):
        assert row @ position[start : start + 3] == pytest.approx(3.0 * 0.1**2)
    even = Measures("person", "velocity", np.full(4, 0.1)).stencil(5)
    np.testing.assert_allclose(even, np.tile([1, -2, 1], (3, 1)), rtol=1e-12)


def smoothed(body, rate, frequency, *, per_second=True, knee=1.0):
    """By which factor the amplitude of a joint that oscillates (Hz) is smoothed at a rate (Hz)."""
    n = round(4 * rate) + 1
    times = np.arange(n) / rate
    joints = np.tile(body, (n, 1, 1))
    wave = np.sin(2 * np.pi * frequency * times)
    joints[:, 6, 2] += 0.02 * wave
    pose = Pose(joints, np.tile([0.8, 0, 0], (n, 1)), Crop.whole_image(n, 32, 32))
    seconds = np.full(n - 1, 1 / rate) if per_second else None
    options = PoseOptions(
        PoseWeights(**NOTHING | {"prior": 400, "temporal": 300}),
        Measures("person", "velocity", seconds, knee),
    )
    inputs = np.zeros((n, 14, 2)), np.zeros((n, 14)), np.zeros((n - 1, 32, 32, 2), np.float32)
    refined = refine_pose(pose, *inputs, options=options).pose.joints_3d[:, 6, 2] - body[6, 2]
    middle = slice(n // 4, 3 * n // 4 + 1)
    return refined[middle] @ wave[middle] / (0.02 * wave[middle] @ wave[middle])


@pytest.mark.parametrize("frequency", [0.5, 1.0, 1.5])
def test_motion_is_smoothed_alike_at_any_frame_rate(body, frequency):
    """As by the filter 1 / (1 + w (0.1 s 2 pi f)^4) with w = 300 / 400."""
    expected = 1 / (1 + 0.75 * (0.1 * 2 * np.pi * frequency) ** 4)
    assert smoothed(body, 60, frequency) == pytest.approx(expected, abs=0.005)
    # Differences of frames 0.1 s apart are a little less than derivatives.
    assert smoothed(body, 10, frequency) == pytest.approx(expected, abs=0.06)
    assert smoothed(body, 60, frequency, per_second=False) > 0.999


def test_a_residual_counts_by_its_weight_up_to_the_knee_and_linearly_beyond(body):
    pose = Pose(body[None].repeat(3, 0), np.tile([0.8, 0, 0], (3, 1)), Crop.whole_image(3, 32, 32))
    inputs = np.zeros((3, 14, 2)), np.zeros((3, 14)), np.zeros((2, 32, 32, 2), np.float32)
    weights = PoseWeights(**NOTHING | {"prior": 400})  # a standard deviation of 50 mm
    energy = PoseEnergy(pose, *inputs, weights=weights, measures=Measures(knee=2), dtype=np.float64)

    def cost(metres):
        variables = energy.start.copy()
        variables[1, 7] += metres
        return 3 * energy.value(energy.state(variables))

    assert cost(0.03) == pytest.approx(400 * 0.03**2 / 2)
    assert cost(0.1) == pytest.approx(400 * 0.1**2 / 2)
    assert cost(0.5) - cost(0.4) == pytest.approx(400 * 0.1 * 0.1)


def punch(body, degrees):
    """An arm that turns about the shoulder, in estimates without an error, and how far it gets."""
    joints = np.tile(body, (9, 1, 1))
    for t, angle in enumerate(np.radians(degrees)):
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
        joints[t, [6, 7]] = body[8] + (body[[6, 7]] - body[8]) @ turn.T
    pose = Pose(joints, np.tile([0.6, 0.1, 0], (9, 1)), Crop.whole_image(9, SIDE, SIDE))
    pixels = pose.project().astype(float)
    flow = np.zeros((8, SIDE, SIDE, 2), np.float32)
    place = np.moveaxis(np.mgrid[:SIDE, :SIDE], 0, -1)[..., ::-1]
    along = np.linspace(0, 1, 12)[:, None]
    for t in range(8):
        here, there = (
            np.concatenate([(1 - along) * p[a] + along * p[b] for a, b in ((8, 7), (7, 6))])
            for p in pixels[t : t + 2]
        )
        distance = np.linalg.norm(place[:, :, None] - here, axis=-1)
        motion = (there - here)[distance.argmin(-1)]
        flow[t] = np.where(distance.min(-1)[..., None] < 5, motion, 0)
    return pose, pixels, np.ones((9, 14)), flow


@pytest.mark.parametrize(
    "degrees", [(0, 0, 0, 20, 55, 20, 0, 0, 0), (0, 0, 0, -40, -80, -30, 0, 0, 0)]
)
def test_a_fast_motion_survives_on_which_pose_detections_and_flow_agree(body, degrees):
    """A fist goes 0.4 to 0.6 m forth and back within 0.4 s: the paper's energy keeps 0.6 of it."""
    inputs = punch(body, degrees)
    way = inputs[0].joints_3d[4, 6] - body[6]

    def kept(options):
        refined = refine_pose(*inputs, options=options).pose.joints_3d
        return (refined[4, 6] - refined[0, 6]) @ way / (way @ way)

    measures = Measures("person", "velocity", np.full(8, 0.1), knee=1)
    assert kept(PoseOptions(PoseWeights(keypoints=0.005), measures)) > 0.85
    assert kept(PoseOptions()) < 0.65


def test_interpolated_frames_are_trusted_less(body):
    """What pulls equally from elsewhere moves them farther from the estimate."""
    joints = np.tile(body, (9, 1, 1))
    joints[4, 6, 0] += 0.04
    still = np.tile([0.8, 0, 0], (9, 1)), Crop.whole_image(9, 32, 32)
    inputs = np.zeros((9, 14, 2)), np.zeros((9, 14)), np.zeros((8, 32, 32, 2), np.float32)
    weights = PoseWeights(**NOTHING | {"prior": 400, "temporal": 300})
    options = PoseOptions(weights, Measures("person", "velocity", None, knee=1))
    estimated, interpolated, reference = (
        refine_pose(Pose(joints, *still, missing), *inputs, options=o, reference=r).pose.joints_3d[
            4, 6, 0
        ]
        - body[6, 0]
        for missing, o, r in (
            ((), options, False),
            ((4,), options, False),
            ((4,), PoseOptions(steps=1), True),
        )
    )
    assert interpolated < 0.25 * estimated < estimated < 0.04
    assert reference > 0.03


@pytest.mark.parametrize("wrong", [0.0, -0.1, np.nan, np.inf])
def test_frames_without_times_are_refused(wrong):
    with pytest.raises(InputError, match=r"frames: their times .* pose.per_second: false"):
        Measures("person", "velocity", np.array([0.1, wrong]))
