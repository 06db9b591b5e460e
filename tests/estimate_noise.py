"""Seeded sequences with the faults that estimates have, and what is wrong in which frame.

A doll moves as an analytic motion says; its pose and detections are the truth with noise as of
MediaPipe or METRO, and with faults of known rates. There are no pictures, but the flow of the whole
frame. A sequence takes milliseconds:

    for sequence in noisy_sequences(1000, METRO_LIKE, Rates(swap_all=0.02)):
        ... sequence.pose, sequence.keypoints, sequence.flow, sequence.faults ...

The same seed and noise have the same errors whatever the rates, so that what a fault changed is
known exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import pairwise

import mini_human36m_body as body
import mini_human36m_files as files
import numpy as np
from flow_of_strips import StripFlow
from jaxtyping import Bool, Float

from flowpose.pose.keypoint_file import Keypoints
from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import HIPS, METRO_14
from flowpose.pose.weak_perspective import Crop, fit_weak_perspective

N_FRAMES, FPS = 16, 10
SIDE = 96  # of the square frames, px
_PERSON_PX = 64.0
_STEP = body.FPS // FPS
# Joints of each part whose sides may be exchanged, and of single limbs that may jump.
LEGS = tuple(
    METRO_14.index[f"{side}_{joint}"] for side in "lr" for joint in ("hip", "knee", "ankle")
)
ARMS = tuple(
    METRO_14.index[f"{side}_{joint}"] for side in "lr" for joint in ("shoulder", "elbow", "wrist")
)
LIMBS = tuple(
    tuple(METRO_14.index[f"{side}_{joint}"] for joint in joints)
    for side in "lr"
    for joints in (("knee", "ankle"), ("elbow", "wrist"))
)
MIRRORED = np.array(
    [
        METRO_14.index.get({"l": "r", "r": "l"}.get(joint[0], "") + joint[1:], i)
        for i, joint in enumerate(METRO_14.joints)
    ]
)


@dataclass(frozen=True)
class Noise:
    """Errors that estimates have in every frame; standard deviations.

    Attributes:
        drift_m: errors in x, y, z of the camera that stay or change slowly.
        jitter_m: errors that are new in each frame.
        bones: of the logarithm of each bone's length, the same on both sides.
        legs: mean of the logarithm of the legs' lengths.
        drift_2d, jitter_2d: errors of the detections, person heights.
        one_network: whether pose and detections have the same faults, and the camera is fitted to
            the detections, as with MediaPipe; or faults of their own, and the camera is the pose
            estimator's, as with METRO.
    """

    drift_m: tuple[float, float, float]
    jitter_m: tuple[float, float, float]
    bones: float
    legs: float
    drift_2d: float
    jitter_2d: float
    one_network: bool


MEDIAPIPE_LIKE = Noise((0.03, 0.03, 0.07), (0.006, 0.006, 0.02), 0.06, 0.15, 0.012, 0.006, True)
METRO_LIKE = Noise((0.018, 0.018, 0.05), (0.005, 0.005, 0.012), 0.03, 0.0, 0.003, 0.006, False)


@dataclass(frozen=True)
class Rates:
    """How often faults happen: the probability that one begins in a frame.

    Attributes:
        swap_all, swap_legs, swap_arms: left and right are exchanged, for one to four frames; in
            less than a third of a sequence's frames.
        jump: of each forearm and shank, that it is detected somewhere else, for one or two frames.
        miss: nobody is found, for one or two frames, never in the first or last one.
    """

    swap_all: float = 0.0
    swap_legs: float = 0.0
    swap_arms: float = 0.0
    jump: float = 0.0
    miss: float = 0.0


@dataclass(frozen=True)
class Faults:
    """What is wrong with a sequence.

    Attributes:
        detections_swapped: frames in which the detections' sides are exchanged, of legs and arms.
        pose_swapped: the same of the 3D pose.
        jumped: detections that are somewhere else, as they are numbered before any exchange.
        missed: frames in which nobody was found; the pose is interpolated there.
    """

    detections_swapped: Bool[np.ndarray, "T 2"]
    pose_swapped: Bool[np.ndarray, "T 2"]
    jumped: Bool[np.ndarray, "T 14"]
    missed: Bool[np.ndarray, "T"]

    def any(self) -> bool:
        """Whether anything is wrong."""
        return any(getattr(self, field.name).any() for field in fields(self))


@dataclass(frozen=True)
class NoisySequence:
    """What happened, and what was estimated.

    Attributes:
        true_3d: METRO_14 joints, m, camera frame.
        true_2d: px.
        pose: as estimated.
        keypoints: as detected.
        flow: from each frame to the next, px: exact, but at joints below another limb that limb's.
        faults: of pose and keypoints.
    """

    true_3d: Float[np.ndarray, "T 14 3"]
    true_2d: Float[np.ndarray, "T 14 2"]
    pose: Pose
    keypoints: Keypoints
    flow: StripFlow
    faults: Faults


def noisy_sequences(n: int, noise: Noise, rates: Rates) -> Iterator[NoisySequence]:
    """The sequences of seeds 0 to n - 1."""
    return (noisy_sequence(seed, noise, rates) for seed in range(n))


def noisy_sequence(seed: int, noise: Noise, rates: Rates) -> NoisySequence:
    """A sequence of 16 frames, 0.1 s apart, of 96 x 96 px with a person of some 64 px."""
    noise_rng, fault_rng = (np.random.default_rng([seed, kind]) for kind in (1, 2))
    joints, pixels, flow = _moving_doll(seed)
    true_3d, true_2d = joints[:, files.METRO_14], pixels[:, files.METRO_14]
    faults = _faults(fault_rng, noise, rates)
    points, confidence = _detections(true_2d, noise, faults, noise_rng, fault_rng)
    relative = true_3d - true_3d[:, HIPS].mean(1, keepdims=True)
    estimate = _exchanged(_wrong_pose(relative, noise, noise_rng), faults.pose_swapped)
    crop = Crop.whole_image(N_FRAMES, SIDE, SIDE)
    if noise.one_network:
        camera = fit_weak_perspective(estimate, points, confidence, crop)
    else:
        camera = fit_weak_perspective(estimate, true_2d, np.ones(true_2d.shape[:2]), crop)
    missed = faults.missed
    pose = Pose(
        _interpolated(estimate, missed),
        _interpolated(camera, missed),
        crop,
        tuple(np.flatnonzero(missed).tolist()),
    )
    points[missed], confidence[missed] = np.nan, 0
    return NoisySequence(true_3d, true_2d, pose, Keypoints(points, confidence), flow, faults)


@lru_cache(maxsize=1)
def _moving_doll(
    seed: int,
) -> tuple[Float[np.ndarray, "T 32 3"], Float[np.ndarray, "T 32 2"], StripFlow]:
    """The 32 joints in the camera's frame, m, and in px of the frames, and how the pixels move.

    Kept for the sequence of the same seed with other noise and faults.
    """
    rng = np.random.default_rng([seed, 0])
    walks = rng.random() < 0.6
    upper, fore = rng.uniform(0, 1.2, 2), rng.uniform(0, 1, 2)
    motion = body.Motion(
        heading=rng.uniform(-np.pi, np.pi),
        speed=rng.uniform(0.3, 1.2) if walks else 0.0,
        cadence=rng.uniform(0.6, 1.1),
        stride=rng.uniform(0.2, 0.45) if walks else rng.uniform(0.02, 0.15),
        sway=rng.uniform(0.15, 0.5),
        arms=(upper[0], upper[0] + fore[0], upper[1], upper[1] + fore[1]),
    )
    camera = body.CAMERAS["S9"]
    joints = camera.to_camera(motion.joints_world(N_FRAMES * _STEP)[::_STEP])
    pixels = camera.to_pixels(joints)
    low, high = pixels.min((0, 1)), pixels.max((0, 1))
    heights = np.ptp(pixels[..., 1], axis=1)
    scale = min(_PERSON_PX / np.median(heights), 0.9 * SIDE / (high - low).max())
    pixels = (pixels - (low + high) / 2) * scale + SIDE / 2
    px_per_m = scale * camera.focal_px.mean() / joints[..., 2]
    return joints, pixels, StripFlow(pixels, joints[..., 2], px_per_m, SIDE)


def _faults(rng: np.random.Generator, noise: Noise, rates: Rates) -> Faults:
    def swapped() -> Bool[np.ndarray, "T 2"]:
        while True:
            parts = np.zeros((N_FRAMES, 2), bool)
            parts |= _runs(rng, rates.swap_all, 4)[:, None]
            parts[:, 0] |= _runs(rng, rates.swap_legs, 4)
            parts[:, 1] |= _runs(rng, rates.swap_arms, 4)
            if (parts.sum(0) < N_FRAMES / 3).all():
                return parts

    of_detections = swapped()
    of_pose = of_detections if noise.one_network else swapped()
    jumped = np.zeros((N_FRAMES, len(METRO_14)), bool)
    for limb in LIMBS:
        jumped[:, limb] = _runs(rng, rates.jump, 2)[:, None]
    missed = _runs(rng, rates.miss, 2)
    missed[[0, -1]] = False
    return Faults(of_detections, of_pose.copy(), jumped & ~missed[:, None], missed)


def _runs(rng: np.random.Generator, rate: float, longest: int) -> Bool[np.ndarray, "T"]:
    """Frames of runs of 1 to `longest` frames, any length as likely, that begin at random."""
    begins = rng.random(N_FRAMES) < rate
    lengths = rng.integers(1, longest + 1, N_FRAMES)
    marked = np.zeros(N_FRAMES, bool)
    for start in np.flatnonzero(begins):
        marked[start : start + lengths[start]] = True
    return marked


def _detections(
    true_2d: Float[np.ndarray, "T 14 2"],
    noise: Noise,
    faults: Faults,
    noise_rng: np.random.Generator,
    fault_rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "T 14 2"], Float[np.ndarray, "T 14"]]:
    height = float(np.median(np.ptp(true_2d, axis=1).max(-1)))
    drift = _slow(true_2d.shape, noise_rng) * noise.drift_2d * height
    jitter = noise_rng.standard_normal(true_2d.shape) * noise.jitter_2d * height
    confidence = noise_rng.uniform(0.5, 0.95, true_2d.shape[:2])
    points = true_2d + drift + jitter
    for t in range(N_FRAMES):
        for limb in LIMBS:
            angle, way = fault_rng.uniform(0, 2 * np.pi), fault_rng.uniform(0.25, 0.6) * height
            if faults.jumped[t, limb[0]]:
                points[t, list(limb)] += way * np.array([np.cos(angle), np.sin(angle)])
    return (
        _exchanged(points, faults.detections_swapped),
        _exchanged(confidence, faults.detections_swapped),
    )


def _exchanged(
    values: Float[np.ndarray, "T 14 *d"], swapped: Bool[np.ndarray, "T 2"]
) -> Float[np.ndarray, "T 14 *d"]:
    """Values of joints with the sides of legs, arms exchanged in the frames where they are."""
    out = values.copy()
    for part, frames in zip((LEGS, ARMS), swapped.T, strict=True):
        joints = np.array(part)
        out[np.ix_(frames, joints)] = values[np.ix_(frames, MIRRORED[joints])]
    return out


def _wrong_pose(
    relative: Float[np.ndarray, "T 14 3"], noise: Noise, rng: np.random.Generator
) -> Float[np.ndarray, "T 14 3"]:
    """A pose relative to the hips with wrong bones, drift and jitter."""
    lengths = np.exp(rng.normal(0, noise.bones, len(METRO_14)))
    out = relative.copy()
    for chain in _CHAINS:
        for parent, joint in pairwise(chain):
            name = METRO_14.joints[joint].removeprefix("l_").removeprefix("r_")
            factor = lengths[METRO_14.index.get(f"l_{name}", joint)]
            factor *= np.exp(noise.legs) if name in ("knee", "ankle") else 1
            bone = relative[:, joint] - relative[:, parent]
            out[:, joint] = out[:, parent] + factor * bone
    drift = _slow(relative.shape, rng) * noise.drift_m
    drift[:, HIPS] *= 0.4  # the easiest joints
    return out + drift + rng.standard_normal(relative.shape) * noise.jitter_m


def _slow(shape: tuple[int, ...], rng: np.random.Generator) -> Float[np.ndarray, "T *n"]:
    """Errors of a standard deviation of 1 that stay in part, and in part sway within seconds."""
    time = np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1)) / FPS
    stays, sways = rng.standard_normal((2, *shape[1:]))
    phase = rng.uniform(0, 2 * np.pi, shape[1:])
    return (stays + np.sqrt(2) * sways * np.sin(np.pi * time + phase)) / np.sqrt(2)


def _interpolated(
    values: Float[np.ndarray, "T *d"], missed: Bool[np.ndarray, "T"]
) -> Float[np.ndarray, "T *d"]:
    known, frames = np.flatnonzero(~missed), np.arange(len(values))
    flat = values.reshape(len(values), -1).T
    return np.stack([np.interp(frames, known, row[known]) for row in flat], -1).reshape(
        values.shape
    )


def _chain(*joints: str) -> tuple[int, ...]:
    return tuple(METRO_14.index[joint] for joint in joints)


# Bones outward from the hips, which stay where they are.
_CHAINS = (
    *(_chain(f"{s}_hip", f"{s}_knee", f"{s}_ankle") for s in "lr"),
    *(_chain(f"{s}_hip", f"{s}_shoulder", f"{s}_elbow", f"{s}_wrist") for s in "lr"),
    _chain("neck", "head"),
)
