"""What the repair finds in 1,000 sequences with many faults, and that it does nothing without any.

Bounds leave some room below what is found: docs/method.md.
"""

from collections import Counter

import pytest
from estimate_noise import MEDIAPIPE_LIKE, METRO_LIKE, NoisySequence, Rates, noisy_sequence

from flowpose.pose.repairs import Repairs
from flowpose.refinement.repair import repair

SEEDS = range(500)
FAULTS = Rates(swap_all=0.03, swap_legs=0.03, swap_arms=0.03, jump=0.02, miss=0.03)
NOISES = {"mediapipe": MEDIAPIPE_LIKE, "metro": METRO_LIKE}


def repairs_of(sequence: NoisySequence) -> Repairs:
    keypoints = sequence.keypoints
    *_, repairs = repair(sequence.pose, keypoints.joints_2d, keypoints.confidence, sequence.flow)
    return repairs


def count(seeds: range) -> tuple[Counter, list[int]]:
    """Of each noise and kind of fault how many are true, found, reported; and needless repairs.

    Frames in which nobody was found have nothing to exchange or to leave out: they do not count.
    The second are the seeds whose sequences without faults are repaired.
    """
    counts: Counter = Counter()
    needless = []
    for seed in seeds:
        for name, noise in NOISES.items():
            sequence = noisy_sequence(seed, noise, FAULTS)
            faults, repairs = sequence.faults, repairs_of(sequence)
            for kind, true, reported in (
                ("detections", faults.detections_swapped, repairs.detections_exchanged),
                ("pose", faults.pose_swapped, repairs.pose_exchanged),
                ("jumps", faults.jumped, repairs.masked),
            ):
                true, reported = (marks[~faults.missed] for marks in (true, reported))
                counts[name, kind, "true"] += true.sum()
                counts[name, kind, "reported"] += reported.sum()
                counts[name, kind, "found"] += (true & reported).sum()
            nothing = repairs_of(noisy_sequence(seed, noise, Rates()))
            if nothing.repaired.any() or nothing.masked.any():
                needless.append(seed)
    return counts, needless


@pytest.fixture(scope="module")
def counted() -> tuple[Counter, list[int]]:
    return count(SEEDS)


def test_sequences_without_faults_are_never_repaired(counted):
    assert counted[1] == []


@pytest.mark.parametrize(
    ("name", "kind", "recall", "precision"),
    [
        ("mediapipe", "detections", 0.98, 0.98),
        ("mediapipe", "pose", 0.98, 0.98),
        ("mediapipe", "jumps", 0.72, 0.99),
        ("metro", "detections", 0.99, 0.99),
        ("metro", "pose", 0.99, 0.99),
        ("metro", "jumps", 0.71, 0.98),
    ],
)
def test_faults_are_found_and_nothing_else(counted, name, kind, recall, precision):
    true, reported, found = (counted[0][name, kind, what] for what in ("true", "reported", "found"))
    assert true > 1000
    assert found >= recall * true
    assert found >= precision * reported
