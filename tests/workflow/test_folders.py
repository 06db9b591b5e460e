"""Estimates that are a folder of files: what is added or removed is noticed, as what is changed."""

import json
import shutil

import numpy as np
import pytest
from test_verify import verdicts
from toy import N_FRAMES, Project

from flowpose.pose.skeletons import METRO_14, convert
from flowpose.readers.mediapipe import MEDIAPIPE_33
from flowpose.readers.openpose import BODY_25

POSE = "results/toy/right/pose_0.h5"
FOLDER = "inputs/openpose"


def write_openpose(folder, pixels) -> None:
    """A frame's METRO_14 joints a file, as OpenPose would have them."""
    folder.mkdir(parents=True)
    for t, joints in enumerate(pixels):
        named = dict(zip(METRO_14.joints, joints.tolist(), strict=True))
        flat = [x for name in BODY_25.joints for x in (*named.get(name, (0, 0)), name in named)]
        text = json.dumps({"people": [{"pose_keypoints_2d": [float(x) for x in flat]}]})
        (folder / f"right_{t:012}_keypoints.json").write_text(text)


@pytest.fixture(scope="module")
def with_folder(finished, tmp_path_factory) -> Project:
    """The toy project with keypoints of OpenPose in one sequence, finished."""
    project = finished.copy(tmp_path_factory.mktemp("folder") / "project")
    pixels = np.load(project.folder / "inputs" / "estimates.npz")["image_px"][1]
    write_openpose(project.folder / FOLDER, convert(pixels, MEDIAPIPE_33, METRO_14))
    config = project.config
    sequence = config["sequences"]["right"]
    sequence["estimates"] = {
        "pose": {"format": "mediapipe"} | sequence["estimates"],
        "keypoints": {"format": "openpose", "folder": FOLDER},
    }
    project.write_config(config)
    run = project.snakemake()
    assert run.ok and run.jobs()["estimates"] == 1, run.text
    return project


@pytest.fixture
def project(with_folder, tmp_path) -> Project:
    return with_folder.copy(tmp_path / "project")


def json_of(project, frame):
    return project.folder / FOLDER / f"right_{frame:012}_keypoints.json"


def state(project):
    return verdicts(project)["toy/right/pose_0.h5"]


def test_a_folder_is_as_good_as_a_file(with_folder):
    assert with_folder.planned(target=POSE) == {}
    assert state(with_folder) == ("current", "")


def test_a_removed_file(project):
    json_of(project, 3).unlink()
    assert project.planned(target=POSE) == {"estimates": 1}
    assert state(project) == (
        "stale",
        f"it was made from {FOLDER}/{json_of(project, 3).name}, which is gone",
    )
    run = project.snakemake(target=POSE)
    assert run.ok, run.text
    assert state(project) == ("current", "")


def test_an_added_file(project):
    new = json_of(project, N_FRAMES)
    shutil.copy(json_of(project, 0), new)
    assert project.planned(target=POSE) == {"estimates": 1}
    assert state(project) == ("stale", f"it was not made from {FOLDER}/{new.name}")


def test_a_changed_file(project):
    text = json_of(project, 4).read_text()
    json_of(project, 4).write_text(text.replace("1.0", "0.5"))
    assert project.planned(target=POSE) == {"estimates": 1}
    assert state(project) == ("stale", f"{FOLDER}/{json_of(project, 4).name} has changed")


def test_results_outlive_the_folder_they_came_from(project):
    shutil.rmtree(project.folder / FOLDER)
    assert project.planned() == {}
    assert state(project) == ("current", "")


def use_folder(project, folder):
    config = project.config
    config["sequences"]["right"]["estimates"]["keypoints"]["folder"] = folder
    project.write_config(config)


def test_a_folder_that_never_was_is_named(project):
    use_folder(project, "inputs/opnpose")
    run = project.snakemake(target=POSE)
    assert not run.ok and "inputs/opnpose: no such file or folder; results/toy/" in run.text
    for made in ("pose_0.h5", "keypoints.h5"):
        (project.folder / "results" / "toy" / "right" / made).unlink()
    run = project.snakemake(target=POSE)
    assert not run.ok and "inputs/opnpose: no such folder" in run.text.splitlines()[-1]


@pytest.mark.parametrize("flat", [False, True])
def test_a_folder_is_fetched(project, flat):
    """Out of an archive on this machine, or all of it; `fetch` brings all of it."""
    root, base = (FOLDER, ".") if flat else ("inputs", "openpose")
    archive = shutil.make_archive(
        str(project.folder / "keypoints"), "zip", project.folder / root, base
    )
    config = project.config
    config["downloads"] = {"op": {"url": f"file://{archive}"}}
    project.write_config(config)
    downloaded = "resources/downloads/op" + ("" if flat else "/openpose")
    use_folder(project, downloaded)
    run = project.snakemake(target="fetch")
    assert run.ok and run.jobs()["take_folder"] == 1, run.text
    assert len(list((project.folder / downloaded).glob("*.json"))) == N_FRAMES
    run = project.snakemake(target=POSE)
    assert run.ok and run.jobs() == {"estimates": 1}, run.text
    assert project.planned(target=POSE) == {}
    assert state(project) == ("current", "")
    if flat:
        return
    # A file that came and was deleted is not left out in silence; the message says the way out.
    gone = project.folder / downloaded / json_of(project, 3).name
    gone.unlink()
    run = project.snakemake("--forcerun", "estimates", target=POSE)
    assert not run.ok and f"{gone.name}: missing, or not as it came (delete " in run.text
    (gone.parent / "FOLDER.sha256").unlink()
    run = project.snakemake(target=POSE)
    assert run.ok and run.jobs() == {"take_folder": 1, "estimates": 1}, run.text
    assert gone.exists()
