"""A mini Human3.6M data set in the formats of the published files, for end-to-end tests.

    python tests/mini_human36m.py FOLDER

FOLDER gets, for subjects S9 and S11 and camera 60457274, the videos and the labels of Human3.6M
and the estimates of METRO and DCPose, named and laid out as in docs/reference.md, 1 and 11:

    data/h36m/<subject>/Videos/<action>.60457274.mp4
    data/h36m/<subject>/MyPoseFeatures/D3_Positions/<action>.cdf
    metro_estimates_h36m/<subject>/<action>.60457274_results.npz
    dcpose_estimates_h36m/<subject>/result_<action>.60457274.json

and where every pixel goes from one frame that is used to the next:

    true_flow/<subject>/<action>.60457274/{flow,person,occluded}/frame_<number>.png

The person is a doll whose joints follow sinusoids, so the truth is known exactly; the estimates
are the truth and noise. Each recording is the same every time. Prints METRO's errors.
"""

import gzip
import sys
import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mini_human36m_body as body
import mini_human36m_files as files
import mini_human36m_render as render
import numpy as np
from jaxtyping import Float

CAMERA, OTHER_CAMERA = "60457274", "54138969"
FIRST, STEP = 1, 5  # the frames for which there are estimates
# Errors of METRO's estimates, root mean square in x, y, z of the camera frame, m: those that stay
# or drift, as of a wrong idea of the person, and those that jump from frame to frame.
_DRIFT_M, _JITTER_M = np.array([0.018, 0.018, 0.05]), np.array([0.005, 0.005, 0.012])
_HIPS = [files.METRO_14.index(joint) for joint in (body.R_HIP, body.L_HIP)]
_BYSTANDER_PX = np.array([230, 0])
# What a recording may have amiss, in its estimates' frame `ODD_FRAME`.
ODD_FRAME = 1
NO_METRO = "no METRO record"
TWO_PEOPLE = "two people for METRO"
NO_DETECTION = "no detection"
TWO_DETECTIONS = "two detections, the bystander's first"


@dataclass(frozen=True)
class Recording:
    """One action of a subject.

    Attributes:
        action: name in Human3.6M's files, without the camera.
        device: where METRO's tensors were when they were saved.
        amiss: what is amiss in its estimates.
    """

    subject: str
    action: str
    motion: body.Motion
    device: str = "cpu"
    amiss: str = ""

    @property
    def name(self) -> str:
        """Name of the recording's video."""
        return f"{self.action}.{CAMERA}"


@dataclass(frozen=True)
class Truth:
    """The 32 joints of a recording.

    Attributes:
        world: m, world frame.
        camera: m, camera frame.
        pixels: px in the video.
    """

    world: Float[np.ndarray, "F 32 3"]
    camera: Float[np.ndarray, "F 32 3"]
    pixels: Float[np.ndarray, "F 32 2"]

    @classmethod
    def of(cls, recording: Recording, n_frames: int) -> "Truth":
        """The joints in every frame of a recording's video."""
        camera = body.CAMERAS[recording.subject]
        world = recording.motion.joints_world(n_frames)
        points = camera.to_camera(world)
        return cls(world, points, camera.to_pixels(points))


def _walk(heading: float, x: float, y: float) -> body.Motion:
    return body.Motion(heading, speed=0.55, stride=0.32, sway=0.3, start=(x, y))


def _hold(heading: float) -> body.Motion:
    return body.Motion(heading, arms=(1.0, 2.2, 1.0, 2.2))


_POINT_RIGHT = body.Motion(-1.3, sway=0.2, arms=(0.0, 0.3, 1.2, 1.5))
_POINT_LEFT = body.Motion(-1.8, sway=0.2, arms=(1.2, 1.4, 0.0, 0.3))
RECORDINGS = (
    Recording("S9", "Walking", _walk(0.3, -0.2, 0.2), device="cuda:0"),
    Recording("S9", "Walking 1", _walk(-2.2, 0.3, 0.5), amiss=TWO_PEOPLE),
    Recording("S9", "TakingPhoto 1", _hold(-2.3), amiss=NO_DETECTION),
    Recording("S9", "Directions 1", _POINT_RIGHT, amiss=TWO_DETECTIONS),
    # The label files that VideoPose3D makes lack this one (docs/reference.md, B17).
    Recording("S11", "Directions", _POINT_LEFT, device="cuda:0"),
    Recording("S11", "Walking 1", _walk(2.8, 0.4, -0.1)),
    Recording("S11", "TakingPhoto", _hold(-1.6), amiss=NO_METRO),
    Recording("S11", "WalkDog", _walk(-0.9, -0.5, 0.6), device="cuda:0"),
)


def write_data_set(
    folder: Path | str, n_frames: int = 30, recordings: Sequence[Recording] = RECORDINGS
) -> dict[Recording, float]:
    """Write a data set, with videos of `n_frames` frames, of which 12 make three used ones.

    Returns:
        MPJPE of METRO's estimates of each recording, relative to the hips, mm
        (docs/reference.md, 10).
    """
    folder, errors = Path(folder), {}
    for subject in dict.fromkeys(recording.subject for recording in recordings):
        _make_folders(folder, subject)
        doll = _doll(subject)
        for recording in recordings:
            if recording.subject == subject:
                errors[recording] = _write(folder, recording, n_frames, doll)
    return errors


def write_true_flow(folder: Path | str, recording: Recording, n_frames: int = 30) -> Path:
    """Write the dense truth of a recording of `n_frames` frames.

    Returns:
        A folder with the folders `flow`, in KITTI's format, of each pair of frames that are used;
        `occluded`, masks of what the second frame does not show; and `person`, masks of each frame.
    """
    truth = Truth.of(recording, n_frames).camera[FIRST::STEP]
    doll = _doll(recording.subject)
    result = Path(folder) / "true_flow" / recording.subject / recording.name
    for kind in ("flow", "occluded", "person"):
        (result / kind).mkdir(parents=True)
    for t, joints in enumerate(truth):
        motion = doll.motion(joints, truth[min(t + 1, len(truth) - 1)])
        name = f"frame_{t:04}.png"
        files.write_mask(result / "person" / name, motion.person)
        if t + 1 < len(truth):
            files.write_kitti_flow(result / "flow" / name, motion.flow)
            files.write_mask(result / "occluded" / name, motion.occluded)
    return result


def pack_labels(folder: Path | str, subject: str, into: Path | str) -> Path:
    """Pack a subject's labels of a data set as Human3.6M distributes them.

    Returns:
        Poses_D3_Positions_<subject>.tgz in the folder `into`.
    """
    labels = _labels(Path(folder), subject)
    path = Path(into) / f"Poses_D3_Positions_{subject}.tgz"
    with (
        path.open("wb") as stream,
        gzip.GzipFile("", "wb", fileobj=stream, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for file in sorted(labels.iterdir()):
            member = tarfile.TarInfo(f"{subject}/MyPoseFeatures/D3_Positions/{file.name}")
            member.size = file.stat().st_size
            with file.open("rb") as content:
                archive.addfile(member, content)
    return path


def _make_folders(folder: Path, subject: str) -> None:
    """Make the subject's folders, and videos that are not used: of all cameras, and of another."""
    for estimator in ("metro", "dcpose"):
        (folder / f"{estimator}_estimates_h36m" / subject).mkdir(parents=True)
    _labels(folder, subject).mkdir(parents=True)
    _videos(folder, subject).mkdir()
    for name in (f"_ALL.{CAMERA}", f"_ALL.{OTHER_CAMERA}", f"Walking 1.{OTHER_CAMERA}"):
        path = _videos(folder, subject) / f"{name}.mp4"
        render.write_video(path, np.zeros((3, 64, 64, 3), np.uint8), (64, 64))


def _labels(folder: Path, subject: str) -> Path:
    return folder / "data" / "h36m" / subject / "MyPoseFeatures" / "D3_Positions"


def _videos(folder: Path, subject: str) -> Path:
    return folder / "data" / "h36m" / subject / "Videos"


def _doll(subject: str) -> render.Doll:
    return render.Doll(body.CAMERAS[subject], np.random.default_rng(_seed(subject)))


def _seed(name: str) -> int:
    return zlib.crc32(name.encode())


def _write(folder: Path, recording: Recording, n_frames: int, doll: render.Doll) -> float:
    """Write all files of a recording; the MPJPE of METRO's estimates."""
    subject, name, truth = recording.subject, recording.name, Truth.of(recording, n_frames)
    video = _videos(folder, subject) / f"{name}.mp4"
    render.write_video(video, map(doll.picture, truth.camera), body.Camera.size)
    files.write_labels(_labels(folder, subject) / f"{recording.action}.cdf", truth.world)
    rng = np.random.default_rng(_seed(f"{subject} {name}"))
    people, error = _metro(recording, truth, rng)
    results = folder / "metro_estimates_h36m" / subject / f"{name}_results.npz"
    files.write_metro(results, people, recording.device)
    detections = folder / "dcpose_estimates_h36m" / subject / f"result_{name}.json"
    files.write_dcpose(detections, _dcpose(recording, truth, rng))
    return error


def _metro(
    recording: Recording, truth: Truth, rng: np.random.Generator
) -> tuple[dict[int, list[dict]], float]:
    """METRO's records of the people in each used frame, and their MPJPE, mm."""
    joints = truth.camera[FIRST::STEP][:, files.METRO_14]
    joints = joints - joints[:, _HIPS].mean(1, keepdims=True)
    pixels = truth.pixels[FIRST::STEP][:, files.METRO_14]
    estimates = joints + _noise(joints.shape, rng)
    people = {t: [files.metro_record(estimates[t], pixels[t], rng)] for t in range(len(joints))}
    if recording.amiss == TWO_PEOPLE:
        beside = pixels[ODD_FRAME] + _BYSTANDER_PX
        people[ODD_FRAME].append(files.metro_record(joints[0], beside, rng))
    if recording.amiss == NO_METRO:
        del people[ODD_FRAME]
    relative = estimates - estimates[:, _HIPS].mean(1, keepdims=True)
    errors = np.linalg.norm(relative - joints, axis=-1)[list(people)]
    return people, 1000 * float(errors.mean())


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> Float[np.ndarray, "T 14 3"]:
    """Errors as of an estimator that sees one frame at a time."""
    time = np.arange(shape[0])[:, None, None] * STEP / body.FPS
    bias, sway = rng.standard_normal((2, *shape[1:]))
    phase = rng.uniform(0, 2 * np.pi, shape[1:])
    drift = bias + sway * np.sin(np.pi * time + phase)
    drift[:, _HIPS] *= 0.4  # the easiest joints; all errors are relative to them
    drift /= np.sqrt((drift**2).mean((0, 1)))
    return _DRIFT_M * drift + _JITTER_M * rng.standard_normal(shape)


def _dcpose(recording: Recording, truth: Truth, rng: np.random.Generator) -> list[dict]:
    """DCPose's entries for the people in each used frame."""
    entries = []
    for t, pixels in enumerate(truth.pixels[FIRST::STEP]):
        entry = files.dcpose_entry(t, pixels, rng)
        odd = recording.amiss if t == ODD_FRAME else ""
        if odd == TWO_DETECTIONS:
            entries.append(files.dcpose_entry(t, pixels + _BYSTANDER_PX, rng))
        if odd != NO_DETECTION:
            entries.append(entry)
    return entries


if __name__ == "__main__":
    for recording, error in write_data_set(sys.argv[1]).items():
        print(f"{recording.subject} {recording.name}: METRO {error:.3f} mm {recording.amiss}")
        write_true_flow(sys.argv[1], recording)
