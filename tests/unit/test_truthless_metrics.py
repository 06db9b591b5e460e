"""What can be said of a pose without a truth, where it is known by hand."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from flowpose.evaluation.metric import PoseComparison
from flowpose.evaluation.truthless_metrics import (
    TRUTHLESS_METRICS,
    bone_deviations,
    detection_distances,
    speeds_of_change,
    varied_bones,
)
from flowpose.pose.skeletons import LENGTH_BONES, METRO_14

WRIST = METRO_14.index["l_wrist"]
ALL = np.ones((50, 14), bool)
# Of a phone: 30 a second, some late.
UNEVEN = np.cumsum(np.random.default_rng(0).choice([1, 2, 3], 50)) / 30


def swinging(body, time, frequency, amplitude=0.1):
    """The body with a left wrist that swings up and down as a sine."""
    joints = np.tile(body, (len(time), 1, 1))
    joints[:, WRIST, 1] += amplitude * np.sin(2 * np.pi * frequency * time)
    return joints


@pytest.mark.parametrize("order", [2, 3])
def test_of_a_sine_the_derivatives_are_those_of_calculus(body, order):
    """Its amplitude times (2 pi f)^order: 3.95 m/s² and 24.8 m/s³ at 1 Hz and 0.1 m."""
    time = np.arange(400) / 200
    speeds = speeds_of_change(swinging(body, time, 1.0), time, order)
    assert speeds.shape == (400 - order, 14)
    # The middle of the frames that a value needs.
    middle = time[: len(speeds)] + order / 2 / 200
    wave = np.sin if order == 2 else np.cos
    expected = 0.1 * (2 * np.pi) ** order * np.abs(wave(2 * np.pi * middle))
    np.testing.assert_allclose(speeds[:, WRIST], expected, atol=1e-3 * expected.max())
    assert np.delete(speeds, WRIST, axis=1).max() < 1e-8


@pytest.mark.parametrize("order", [2, 3])
def test_uneven_frames_have_no_part_in_a_motion_that_is_a_polynomial(body, order):
    """Of t^order times c the derivative is order! c, whenever the frames are."""
    joints = np.tile(body, (50, 1, 1))
    joints[:, WRIST, 0] += 0.3 * UNEVEN**order - 0.2 * UNEVEN
    speeds = speeds_of_change(joints, UNEVEN, order)
    np.testing.assert_allclose(speeds[:, WRIST], 0.3 * [2, 6][order - 2], rtol=1e-5)


def test_a_stiff_body_that_glides_or_turns_has_no_variation_of_bones(body, rng):
    turned = np.stack([body @ matrix for matrix in Rotation.random(50, rng=rng).as_matrix()])
    moved = turned + rng.normal(size=(50, 1, 3))
    assert bone_deviations(moved, ALL).max() < 1e-9
    glide = body + UNEVEN[:, None, None] * rng.normal(size=3)
    assert speeds_of_change(glide, UNEVEN, 2).max() < 1e-8


def test_the_variation_of_a_bone_is_its_standard_deviation(body):
    """A forearm that is 20 mm longer in every other frame varies by 10 mm; no other bone does."""
    joints = np.tile(body, (50, 1, 1))
    elbow = METRO_14.index["l_elbow"]
    along = body[WRIST] - body[elbow]
    joints[::2, WRIST] += 0.02 * along / np.linalg.norm(along)
    expected = [10.0 if bone == (elbow, WRIST) else 0.0 for bone in LENGTH_BONES]
    np.testing.assert_allclose(bone_deviations(joints, ALL), [expected], atol=1e-9)
    estimated = ALL.copy()
    estimated[1::2, WRIST] = False
    assert bone_deviations(joints, estimated).max() < 1e-9
    assert varied_bones(estimated).all()


def test_a_bone_seen_in_one_frame_does_not_count(body):
    estimated = ALL.copy()
    estimated[1:, WRIST] = False
    estimated[:, METRO_14.index["head"]] = False
    without = [set(bone) & {WRIST, METRO_14.index["head"]} == set() for bone in LENGTH_BONES]
    np.testing.assert_array_equal(varied_bones(estimated), [without])
    deviations = bone_deviations(np.tile(body, (50, 1, 1)), estimated)
    assert np.isnan(deviations).sum() == 1 and deviations.shape == (1, 15)


def test_distance_from_detections_is_in_px(rng):
    projected = rng.uniform(0, 200, (6, 14, 2)).astype(np.float32)
    distances = detection_distances(projected, projected + [[3.0, 4.0]])
    np.testing.assert_allclose(distances, 5, atol=1e-4)


def scored(joints, *, estimated=None, detections=None, time=None):
    """The scores of every metric here, by name, without any truth."""
    n, nowhere = len(joints), np.zeros((len(joints), 14), bool)
    compared = PoseComparison(
        predicted=joints,
        estimated=~nowhere if estimated is None else estimated,
        true=np.full((n, 14, 3), np.nan),
        known=nowhere,
        predicted_2d=joints[..., :2],
        true_2d=np.full((n, 14, 2), np.nan),
        known_2d=nowhere,
        detections=np.full((n, 14, 2), np.nan) if detections is None else detections,
        time=np.arange(n) / 10 if time is None else time,
    )
    return {metric.name: metric.score(compared) for metric in TRUTHLESS_METRICS}


def test_what_was_not_estimated_or_detected_counts_nowhere(walk):
    estimated = np.ones((6, 14), bool)
    estimated[1] = False
    detections = walk[..., :2] + [0.3, 0.4]
    detections[4, 3] = np.nan
    scores = scored(walk, estimated=estimated, detections=detections)
    seen = scores["pose_detections_px"]
    assert np.argwhere(~seen.valid & estimated).tolist() == [[4, 3]]
    assert not seen.valid[1].any() and seen.mean() == pytest.approx(0.5)
    assert np.flatnonzero(scores["pose_accel_m_s2"].valid.all(1)).tolist() == [2, 3]
    assert np.flatnonzero(scores["pose_jerk_m_s3"].valid.all(1)).tolist() == [2]


@pytest.mark.parametrize("time", [np.zeros(6), np.array([0, 1, 1, 2, 3, 4.0]), np.full(6, np.nan)])
def test_without_times_that_increase_there_is_no_acceleration(walk, time):
    scores = scored(walk, time=time)
    assert not scores["pose_accel_m_s2"].valid.any() and not scores["pose_jerk_m_s3"].valid.any()
    assert scores["bone_sd_mm"].valid.all()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_of_too_few_frames_there_is_none(walk, n):
    scores = scored(walk[:n])
    assert scores["pose_jerk_m_s3"].values.shape == (0, 14)
    assert len(scores["pose_accel_m_s2"].values) == (1 if n == 3 else 0)
    assert scores["bone_sd_mm"].valid.all() == (n > 1)
