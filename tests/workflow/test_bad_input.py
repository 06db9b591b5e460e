"""Bad input stops its own sequence, before any finetuning, with one message; others go on."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torchvision.models.optical_flow import raft_large
from toy import N_FRAMES, SIDE, VIDEOS, write_video


def video(folder: Path, name: str, n_frames: int = N_FRAMES, side: int = SIDE) -> Path:
    path = folder / f"{name}.avi"
    write_video(path, np.zeros((n_frames, 2)), np.random.default_rng(0), side)
    return path


def no_video(folder: Path) -> None:
    """Leave the video out."""


def empty_video(folder: Path) -> None:
    video(folder, "empty_video", n_frames=0)


def no_video_file(folder: Path) -> None:
    (folder / "no_video_file.avi").write_text("This is not a video.")


def truncated_video(folder: Path) -> None:
    path = video(folder, "truncated_video")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def short_video(folder: Path) -> None:
    video(folder, "short_video", n_frames=4)


def video_of_another_size(folder: Path) -> None:
    video(folder, "video_of_another_size", side=160)


def too_few_frames(data) -> None:
    for key in ("world_m", "image_px", "visibility"):
        data[key] = data[key][:, :4]


def wrong_joints(data) -> None:
    data["world_m"] = data["world_m"][:, :, :17]


def nobody_found(data) -> None:
    data["world_m"][1, 1:] = np.nan


def fractions_of_the_picture(data) -> None:
    data["image_px"] /= SIDE


def array_missing(data) -> None:
    del data["visibility"]


def other_cameras(data) -> None:
    data["cameras"] = np.array(["top", "bottom"])


BAD_VIDEOS = {
    no_video: "inputs/no_video.avi: no such video",
    empty_video: "inputs/empty_video.avi: ",
    no_video_file: "inputs/no_video_file.avi: no video that can be opened",
    truncated_video: "inputs/truncated_video.avi: expected 9 frames, only ",
    short_video: "inputs/short_video.avi: 4 frames, of which 2 are used (one in 2, from 0)",
    video_of_another_size: "inputs/estimates.npz: world_m: estimates of a video of 128 x 128 px, "
    "it has 160 x 160 px",
}
BAD_ESTIMATES = {
    too_few_frames: "world_m: estimates of 4 frames, frame 8 of the video is used",
    wrong_joints: "world_m: expected (cameras, frames, 33, 3) for the 33 joints of MediaPipe",
    nobody_found: "world_m: estimates in 1 of the 5 frames that are used, at least half are needed",
    fractions_of_the_picture: "world_m: the person is 0.7 px large in frames of 128 x 128 px",
    array_missing: "expected an array visibility, found cameras",
    other_cameras: "expected camera right, found top, bottom",
}
MESSAGES = {spoil.__name__: message for spoil, message in BAD_VIDEOS.items()} | {
    spoil.__name__: f"inputs/{spoil.__name__}.npz: {message}"
    for spoil, message in BAD_ESTIMATES.items()
}


@pytest.fixture(scope="module")
def spoilt(finished, tmp_path_factory):
    """A project with a new good sequence and many bad ones, and its run with --keep-going."""
    project = finished.copy(tmp_path_factory.mktemp("spoilt") / "project")
    inputs = project.folder / "inputs"
    config = project.config
    good = config["sequences"]["right"]
    config["sequences"] = {"good": good}
    config["cycles"] = 1
    for spoil in BAD_VIDEOS:
        spoil(inputs)
        bad = good | {"video": f"inputs/{spoil.__name__}.avi"}
        config["sequences"][spoil.__name__] = bad
    for spoil in BAD_ESTIMATES:
        data = {key: values.copy() for key, values in np.load(inputs / "estimates.npz").items()}
        spoil(data)
        np.savez(inputs / f"{spoil.__name__}.npz", **data)
        estimates = good["estimates"] | {"file": f"inputs/{spoil.__name__}.npz"}
        config["sequences"][spoil.__name__] = good | {"estimates": estimates}
    project.write_config(config)
    (project.folder / "results" / "toy" / "table.csv").unlink()
    return project, project.snakemake("--keep-going")


@pytest.mark.parametrize("name", MESSAGES)
def test_message(spoilt, name):
    _, run = spoilt
    assert run.text.count(MESSAGES[name]) == 1, run.text


def test_messages_come_last(spoilt):
    _, run = spoilt
    head, *lines = run.text.splitlines()[-len(MESSAGES) - 1 :]
    assert head == f"{len(MESSAGES)} jobs failed:"
    for name, message in MESSAGES.items():
        (line,) = (line for line in lines if f" {name}: " in line)
        assert message in line


def test_only_good_sequences_go_on(spoilt):
    project, run = spoilt
    assert not run.ok
    assert "Traceback (most recent call last)" not in run.text
    assert not (project.folder / "results" / "toy" / "table.csv").exists()
    finetuned = list((project.folder / "results" / "toy").glob("*/flow_1.h5"))
    assert {path.parent.name for path in finetuned} == {"good", *VIDEOS}
    assert (project.folder / "results" / "toy" / "good" / "flow_scores_1.h5").is_file()


def test_missing_sequences_are_allowed_by_a_key(spoilt, tmp_path):
    project = spoilt[0].copy(tmp_path / "project")
    config = project.config
    names = ("good", "truncated_video", "nobody_found")
    config["sequences"] = {name: config["sequences"][name] for name in names}
    project.write_config(config)
    run = project.snakemake("--config", "allow_missing=true")
    assert run.ok, run.text
    table = pd.read_csv(project.folder / "results" / "table.csv").set_index("sequence")
    assert table.loc["good", "mpjpe_mm"].notna().all()
    for name in names[1:]:
        assert MESSAGES[name] in table.loc[name, "missing"]
    assert project.planned("--config", "allow_missing=true") == {}
    run = project.snakemake()
    assert not run.ok
    assert "2 jobs failed:" in run.text and MESSAGES["truncated_video"] in run.text


def test_what_stands_for_a_failure_is_no_result(spoilt, tmp_path):
    """It goes with the run, fails a run that asks for it, and ends with its cause."""
    project = spoilt[0].copy(tmp_path / "project")
    config = project.config
    config["sequences"] = {name: config["sequences"][name] for name in ("good", "no_video")}
    project.write_config(config | {"allow_missing": True})
    folder = project.folder / "results" / "toy" / "no_video"
    run = project.snakemake()
    assert run.ok, run.text
    assert not list(folder.glob("*.h5")) and not list(folder.glob("*.pt"))
    # A damaged file that nothing reads is told of, and hides neither.
    damaged = folder.parent / "good" / "pose_0.h5"
    made = damaged.stat()
    damaged.write_bytes(b"damaged")
    os.utime(damaged, ns=(made.st_atime_ns, made.st_mtime_ns))
    targets = ["results/toy/no_video/flow_1.h5", "results/toy/good/pose_0.h5"]
    run = project.snakemake(target=targets)
    assert not run.ok
    assert "Traceback" not in run.text
    *_, failed, unreadable = run.text.splitlines()
    assert failed == f"{targets[0]}: {MESSAGES['no_video']}"
    assert unreadable.startswith(f"{targets[1]}: damaged: ")
    assert not list(folder.glob("*.h5"))
    # The video comes, and is older than all that was made without it.
    video = project.folder / "inputs" / "no_video.avi"
    shutil.copy(project.folder / "inputs" / "right.avi", video)
    os.utime(video, (0, 1e9))
    planned = project.planned()
    assert planned["frames"] == planned["flow_initial"] == planned["table"] == 1


def test_a_machine_that_fails_is_no_bad_input(project):
    """With allow_missing, too: a file that cannot be read now may be read at the next try."""
    project.write_config(project.config | {"allow_missing": True})
    project.edit(
        "workflow/scripts/flowpose/video/frames_file.py",
        "def open_frames(",
        "def open_frames(_):\n    raise OSError(5, 'Input/output error', 'frames.h5')\n\n\n"
        "def _unused(",
    )
    flow = project.folder / "results" / "toy" / "right" / "flow_0.h5"
    flow.unlink()
    run = project.snakemake(target="results/toy/right/flow_0.h5")
    assert not run.ok
    assert "flow_initial right: OSError: [Errno 5] Input/output error" in run.text.splitlines()[-1]
    assert not flow.exists()


def no_checkpoint(path: Path) -> None:
    path.write_bytes(b"not a checkpoint")


def other_size(path: Path) -> None:
    torch.save(raft_large().state_dict(), path)


def other_network(path: Path) -> None:
    torch.save({"layer.weight": torch.zeros(3)}, path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (Path.unlink, "inputs/raft.pth: no such file (set flow.weights to a checkpoint of RAFT)"),
        (no_checkpoint, "inputs/raft.pth: no RAFT checkpoint that can be read"),
        (other_size, "inputs/raft.pth: expected weights of raft_small, found those of raft_large"),
        (other_network, "inputs/raft.pth: no RAFT checkpoint: 0 of the"),
    ],
)
def test_weights(project, spoil, message):
    spoil(project.folder / "inputs" / "raft.pth")
    project.keep_only("right")
    results = project.folder / "results"
    # The scores of the flows, too.
    for path in (*results.glob("*/*/flow_*"), results / "table.csv"):
        path.unlink()
    run = project.snakemake()
    assert not run.ok
    assert message in run.text
    assert "rule flow_finetuned:" not in run.text
