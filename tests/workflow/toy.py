"""A small project to run the real workflow on: two sequences that take seconds, nothing fetched."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import yaml
from forked_snakemake import run_snakemake
from torchvision.models.optical_flow import raft_small

from flowpose.pose.skeletons import METRO_14, convert
from flowpose.readers.dcpose import DCPOSE_17
from flowpose.readers.mediapipe import MEDIAPIPE_33

TABLE = "results/table.csv"
ROOT = Path(__file__).parents[2]
SIDE, N_FRAMES = 128, 9
CAMERAS = ("left", "right")
# Spaces and several dots, as in the names of Human3.6M.
VIDEOS = {"Walking 1": "Walking 1.60457274.avi", "right": "right.avi"}
FIRST, STEP = 0, 2
# Two estimators, as two readers are then of use, each to a sequence.
ESTIMATES = {
    "Walking 1": {"format": "metro", "file": "inputs/metro.npz", "keypoints": "inputs/dcpose.json"},
    "right": {"file": "inputs/estimates.npz", "camera": "right"},
}
CONFIG = {
    "dataset": "toy",
    "device": "cpu",
    "frames": {"first": FIRST, "step": STEP},
    "sequences": {
        name: {
            "video": f"inputs/{video}",
            "estimates": ESTIMATES[name],
            "truth": {"file": "inputs/truth.npz", "camera": camera},
        }
        for (name, video), camera in zip(VIDEOS.items(), CAMERAS, strict=True)
    },
    "flow": {"model": "raft_small", "weights": "inputs/raft.pth", "updates": 2, "passes": 1},
    "pose": {"steps": 20},
}


# Sequences side by side: with so little to compute, that is faster than two threads each.
ONE_THREAD = ["--set-threads", "flow_initial=1", "flow_finetuned=1"]


@dataclass
class Run:
    """What a call of snakemake printed and how it ended."""

    ok: bool
    text: str

    def jobs(self) -> dict[str, int]:
        """Jobs by rule, from the table of job statistics; `total` is left out."""
        table = self.text.partition("Job stats:")[2].partition("total")[0]
        return {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


@dataclass
class Project:
    """A copy of the project; `configfile` is used in place of the demo's config."""

    folder: Path
    configfile: str | None = "config/toy.yaml"

    @property
    def config(self) -> dict:
        return yaml.safe_load((self.folder / "config" / "toy.yaml").read_text())

    def write_config(self, config: dict) -> None:
        (self.folder / "config" / "toy.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    def snakemake(self, *arguments: str, target: str | list[str] = TABLE) -> Run:
        targets = [target] if isinstance(target, str) else target
        toy = ["--configfile", self.configfile, *ONE_THREAD] if self.configfile else []
        arguments = ["--cores", "2", *toy, *arguments, "--", *targets]
        code, text = run_snakemake(arguments, self.folder)
        return Run(code == 0, text)

    def planned(self, *arguments: str, target: str | list[str] = TABLE) -> dict[str, int]:
        """The jobs that a run would do."""
        run = self.snakemake("--dry-run", *arguments, target=target)
        assert run.ok, run.text
        return run.jobs()

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1))

    def keep_only(self, sequence: str) -> None:
        """Take the other sequences out of the config."""
        config = self.config
        config["sequences"] = {sequence: config["sequences"][sequence]}
        self.write_config(config)

    def copy(self, folder: Path) -> "Project":
        shutil.copytree(self.folder, folder)
        return Project(folder)


def copy_sources(folder: Path) -> None:
    """The files of the project itself, without what was made from them."""
    ignored = shutil.ignore_patterns("__pycache__", "downloads", "environments")
    for name in ("config", "envs", "profiles", "resources", "workflow"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "Snakefile", folder)


def new_project(folder: Path, config: dict) -> Project:
    """The project with a config of its own, without inputs and results."""
    copy_sources(folder)
    project = Project(folder)
    project.write_config(config)
    return project


def stored_in(bucket: Path) -> dict[str, str]:
    """The options by which a folder is the storage of all inputs and outputs."""
    return {"default-storage-provider": "fs", "default-storage-prefix": str(bucket)}


def write_inputs(folder: Path) -> None:
    """Videos, estimates, truth and random weights of a person drifting before a texture."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    drift = np.stack([np.arange(N_FRAMES) * 1.5, np.arange(N_FRAMES) * -1.0], axis=-1)
    for video in VIDEOS.values():
        write_video(folder / video, drift, rng)
    body = rng.uniform(-0.4, 0.4, (len(MEDIAPIPE_33), 3))
    # By chance they are the other way round than the hips, which the repair would not believe.
    shoulders = [MEDIAPIPE_33.index[f"{side}_shoulder"] for side in "lr"]
    body[shoulders] = body[shoulders[::-1]]
    world = np.tile(body, (len(CAMERAS), N_FRAMES, 1, 1)).astype(np.float32)
    world += rng.normal(0, 0.01, world.shape).astype(np.float32)
    pixels = world[..., :2] * 100 + SIDE / 2 + drift[:, None]
    np.savez(
        folder / "estimates.npz",
        cameras=np.array(CAMERAS),
        image_size_px=np.array([[SIDE, SIDE]] * len(CAMERAS)),
        world_m=world,
        image_px=pixels.astype(np.float32),
        visibility=np.ones(world.shape[:3], np.float32),
    )
    write_metro_and_dcpose(folder, world[0], pixels[0])
    joints = rng.uniform(-400, 400, (14, 3)) + [0, 0, 4000]
    joints = joints + np.pad(drift, ((0, 0), (0, 1)))[:, None] * 10
    intrinsics = np.array([[400.0, 0, SIDE / 2], [0, 400, SIDE / 2], [0, 0, 1]])
    np.savez(
        folder / "truth.npz",
        cameras=np.array(CAMERAS),
        joints_world_mm=joints,
        R=np.tile(np.eye(3), (len(CAMERAS), 1, 1)),
        t_mm=np.zeros((len(CAMERAS), 3)),
        K=np.tile(intrinsics, (len(CAMERAS), 1, 1)),
        distortion=np.zeros((len(CAMERAS), 4)),
        video_to_calibration_scale=np.ones(len(CAMERAS)),
        video_to_calibration_offset_px=np.zeros((len(CAMERAS), 2)),
    )
    torch.manual_seed(0)
    torch.save(raft_small().state_dict(), folder / "raft.pth")


def write_metro_and_dcpose(folder: Path, world: np.ndarray, pixels: np.ndarray) -> None:
    """What METRO and DCPose would say of MediaPipe's joints, in the frames that are used."""
    joints = convert(world, MEDIAPIPE_33, METRO_14)[FIRST::STEP]
    pixels = convert(pixels, MEDIAPIPE_33, METRO_14)[FIRST::STEP]
    named = {joint: j for j, joint in enumerate(METRO_14.joints)}
    people, entries = {}, []
    for t in range(len(joints)):
        # 100 px a metre in a crop as large as the picture.
        camera = np.float32([100 / 112, *(pixels[t, 2] - SIDE / 2) / 100 - joints[t, 2, :2]])
        crop = {"scale": 1.0, "start_pt": np.array([SIDE // 2, SIDE // 2]), "img_size": 224}
        record = {"pred_3d_joints_from_smpl": joints[t], "pred_camera": camera}
        people[t] = {0: record | {"proc_param": crop}}
        seen = [
            pixels[t, named[joint]].tolist() + [0.9] if joint in named else [0, 0, 0]
            for joint in DCPOSE_17.joints
        ]
        entries.append({"image_path": f"{t:08}.jpg", "keypoints": seen})
    np.savez(folder / "metro.npz", results=np.array(people, object))
    (folder / "dcpose.json").write_text(json.dumps({"Info": entries}))


def write_video(path: Path, drift: np.ndarray, rng: np.random.Generator, side: int = SIDE) -> None:
    """A smooth random texture that drifts, without loss."""
    texture = cv2.GaussianBlur(rng.uniform(0, 255, (2 * side, 2 * side, 3)), (0, 0), 3)
    texture = cv2.normalize(texture, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"FFV1"), 50, (side, side))
    for x, y in drift:
        shift = np.float32([[1, 0, x - side / 2], [0, 1, y - side / 2]])
        writer.write(cv2.warpAffine(texture, shift, (side, side), borderMode=cv2.BORDER_REFLECT))
    writer.release()
