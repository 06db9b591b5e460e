"""Sequences with faults have those that their labels say, and no others."""

import estimate_noise as noisy
import numpy as np
import pytest
from estimate_noise import MEDIAPIPE_LIKE, METRO_LIKE, N_FRAMES, Rates

from flowpose.evaluation.pose_metrics import (
    acceleration_errors,
    aligned_joint_errors,
    joint_errors,
)
from flowpose.flow.patches import FlowPatches
from flowpose.flow.sampling import sample_flow
from flowpose.pose.skeletons import METRO_14

ALL_FAULTS = Rates(swap_all=0.03, swap_legs=0.03, swap_arms=0.03, jump=0.02, miss=0.03)
each_noise = pytest.mark.parametrize("noise", [MEDIAPIPE_LIKE, METRO_LIKE], ids=["mp", "metro"])


def pairs(noise, n=60):
    """Sequences with faults, and the same without."""
    return zip(
        noisy.noisy_sequences(n, noise, ALL_FAULTS),
        noisy.noisy_sequences(n, noise, Rates()),
        strict=True,
    )


def mirrored(values, swapped):
    """Values of joints (T, 14, ...) with legs, arms exchanged where they are swapped (T, 2)."""
    out = values.copy()
    for t in range(N_FRAMES):
        for part, joints in enumerate((noisy.LEGS, noisy.ARMS)):
            for joint in joints if swapped[t, part] else ():
                side, _, name = METRO_14.joints[joint].partition("_")
                other = {"l": "r", "r": "l"}[side]
                out[t, joint] = values[t, METRO_14.index[f"{other}_{name}"]]
    return out


@each_noise
def test_a_seed_is_a_sequence(noise):
    first, again, other = (noisy.noisy_sequence(s, noise, ALL_FAULTS) for s in (3, 3, 4))
    np.testing.assert_array_equal(first.pose.joints_3d, again.pose.joints_3d)
    np.testing.assert_array_equal(first.keypoints.joints_2d, again.keypoints.joints_2d)
    assert np.abs(first.true_3d - other.true_3d).max() > 0.01


@pytest.mark.parametrize(
    ("noise", "mpjpe", "pa_mpjpe", "acceleration"),
    [(MEDIAPIPE_LIKE, 90, 65, 53), (METRO_LIKE, 49, 43, 35)],
    ids=["mp", "metro"],
)
def test_without_faults_errors_are_as_of_the_estimators(noise, mpjpe, pa_mpjpe, acceleration):
    """Measured: METRO on the mini Human3.6M 50.4, 44.4, 34.5; MediaPipe on the demo 106, 76, 72."""
    sequences = list(noisy.noisy_sequences(100, noise, Rates()))
    assert not any(sequence.faults.any() for sequence in sequences)
    everything = np.ones((N_FRAMES, 14), bool)
    errors = np.mean(
        [
            [
                joint_errors(s.pose.joints_3d, s.true_3d).mean(),
                aligned_joint_errors(s.pose.joints_3d, s.true_3d, everything).mean(),
                acceleration_errors(s.pose.joints_3d, s.true_3d).mean(),
            ]
            for s in sequences
        ],
        axis=0,
    )
    np.testing.assert_allclose(errors, [mpjpe, pa_mpjpe, acceleration], rtol=0.06)
    off = [np.linalg.norm(s.pose.project() - s.true_2d, axis=-1) for s in sequences]
    assert 0.5 < np.median(off) < 2.5, "px of a person of 60"


@pytest.mark.parametrize(("longest", "rate"), [(4, 0.02), (2, 0.05)])
def test_runs_begin_as_often_as_said(longest, rate):
    """A frame is spared if none of the last `longest` frames began a run that is long enough."""
    rng = np.random.default_rng(0)
    found = np.mean([noisy._runs(rng, rate, longest) for _ in range(4000)], axis=0)
    spared = 1 - rate * (1 - np.arange(longest) / longest)
    expected = 1 - np.array([spared[: t + 1].prod() for t in range(N_FRAMES)])
    np.testing.assert_allclose(found, expected, atol=4 * np.sqrt(expected.max() / 4000))


def test_rates_of_sequences_are_those_of_runs():
    """Fewer exchanges, as sequences with them in a third of their frames are drawn anew."""
    sequences = list(noisy.noisy_sequences(600, METRO_LIKE, Rates(swap_legs=0.02, miss=0.03)))
    legs, arms = np.mean([s.faults.detections_swapped for s in sequences], axis=(0, 1))
    assert 0.034 < legs < 0.045 and arms == 0
    assert np.mean([s.faults.missed for s in sequences]) == pytest.approx(0.0385, abs=0.006)
    assert all(s.faults.detections_swapped.sum(0).max() < N_FRAMES / 3 for s in sequences)
    assert not any(s.faults.jumped.any() for s in sequences)


@each_noise
def test_detections_are_wrong_where_the_labels_say_and_nowhere_else(noise):
    n_swapped = n_jumped = 0
    for faulty, clean in pairs(noise):
        faults, height = faulty.faults, np.ptp(faulty.true_2d, axis=1).max(-1).mean()
        there = ~faults.missed
        expected = mirrored(clean.keypoints.joints_2d, faults.detections_swapped)
        jumped = mirrored(faults.jumped, faults.detections_swapped)
        off = np.linalg.norm(faulty.keypoints.joints_2d - expected, axis=-1)
        assert (off[there & ~jumped.any(1)] == 0).all()
        assert (off[there][~jumped[there]] == 0).all()
        assert (off[jumped] > 0.2 * height).all()
        assert np.isnan(faulty.keypoints.joints_2d[faults.missed]).all()
        assert (faulty.keypoints.confidence[faults.missed] == 0).all()
        assert (faulty.keypoints.confidence[there] > 0).all()
        n_swapped, n_jumped = n_swapped + faults.detections_swapped.sum(), n_jumped + jumped.sum()
    assert n_swapped > 50 and n_jumped > 50


@each_noise
def test_the_pose_is_wrong_where_the_labels_say_and_nowhere_else(noise):
    own = 0
    for faulty, clean in pairs(noise):
        faults = faulty.faults
        assert faulty.pose.missing == tuple(np.flatnonzero(faults.missed).tolist())
        expected = mirrored(clean.pose.joints_3d, faults.pose_swapped)
        there = ~faults.missed
        np.testing.assert_array_equal(faulty.pose.joints_3d[there], expected[there])
        for t in np.flatnonzero(faults.missed):
            before, after = (
                np.flatnonzero(there[s])[i] + o
                for s, i, o in ((slice(0, t), -1, 0), (slice(t, None), 0, t))
            )
            share = (t - before) / (after - before)
            between = (1 - share) * expected[before] + share * expected[after]
            np.testing.assert_allclose(faulty.pose.joints_3d[t], between, atol=1e-12)
        own += (faults.pose_swapped != faults.detections_swapped).sum()
    # MediaPipe's pose and detections are of one network, METRO and DCPose have their own faults.
    assert (own == 0) == noise.one_network


def test_bones_are_as_wrong_as_the_noise_says():
    """MediaPipe's legs are too long, by 15 % and more or less, and equally on both sides."""
    factors = []
    for sequence in noisy.noisy_sequences(100, MEDIAPIPE_LIKE, Rates()):
        shanks = [
            np.median(np.linalg.norm(joints[:, [1, 4]] - joints[:, [0, 5]], axis=-1), axis=0)
            for joints in (sequence.pose.joints_3d, sequence.true_3d)
        ]
        factors.append(shanks[0] / shanks[1])
    assert np.exp(np.log(factors).mean()) == pytest.approx(np.exp(0.15), abs=0.03)
    right, left = np.log(factors).T
    assert np.corrcoef(right, left)[0, 1] > 0.2


def test_the_flow_at_a_joint_that_is_seen_is_its_motion():
    """Three in four are; at the others, another limb covers the joint, and moves in its own way."""
    errors, speeds = [], []
    for sequence in noisy.noisy_sequences(40, METRO_LIKE, Rates()):
        points, motion = sequence.true_2d[:-1], np.diff(sequence.true_2d, axis=0)
        found, inside = sample_flow(FlowPatches(sequence.flow, points, margin=0), points)
        assert inside.all()
        errors.append(np.linalg.norm(found - motion, axis=-1))
        speeds.append(np.linalg.norm(motion, axis=-1))
    errors = np.array(errors)
    assert np.median(errors) < 1e-5 and 0.7 < (errors < 0.01).mean() < 0.95
    assert np.mean(speeds) > 0.7, "px from frame to frame"
    assert (errors[..., METRO_14.index["head"]] < 0.1).mean() > 0.95


def test_what_is_not_the_doll_stands_still():
    sequence = noisy.noisy_sequence(0, METRO_LIKE, Rates())
    for t, flow in enumerate(sequence.flow[t] for t in range(len(sequence.flow))):
        moving = np.argwhere(np.abs(flow).max(-1) > 0)
        assert 100 < len(moving) < 0.3 * noisy.SIDE**2
        low, high = sequence.true_2d[t].min(0) - 12, sequence.true_2d[t].max(0) + 12
        assert (moving[:, ::-1] >= low).all() and (moving[:, ::-1] <= high).all()
