"""Estimates that the workflow makes where the config gives none."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml
from toy import ROOT, Project, copy_sources

from flowpose.pose.landmarks_file import read_landmarks
from flowpose.readers.own_npz import read_detections, read_joints

ENVIRONMENT = "resources/environments/mediapipe"
RIGHT, LATER = "results/toy/right/landmarks.h5", "results/toy/later/landmarks.h5"


def without_estimates(project):
    config = project.config
    del config["sequences"]["right"]["estimates"]
    project.write_config(config)


def test_only_sequences_without_estimates_get_them_made(project):
    without_estimates(project)
    made = project.planned(target="results/toy/right/pose_0.h5")
    assert made == {"mediapipe_environment": 1, "landmarks": 1, "estimates": 1}
    assert project.planned(target="fetch") == {"mediapipe_environment": 1, "fetch": 1}
    assert project.planned(target="results/toy/Walking 1/pose_0.h5") == {}


def test_landmarks_are_of_an_environment_that_may_change(project):
    """It is a stand-in that sees the brightest px of a picture. Two sequences are of one video."""
    without_estimates(project)
    config = project.config
    right = config["sequences"]["right"]
    config["sequences"]["later"] = right | {"frames": {"start": 0.06}}
    right["frames"] = {"end": 0.1}
    project.write_config(config)
    folder = project.folder / ENVIRONMENT
    (folder / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "fake_mediapipe.py", folder / "mediapipe.py")
    (folder / "bin" / "python").write_text(
        f"#!{sys.executable}\nimport runpy, sys\nsys.path.insert(0, {str(folder)!r})\n"
        "sys.argv[:] = sys.argv[2:]\nrunpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    (folder / "bin" / "python").chmod(0o755)
    (folder / "installed.txt").write_text("mediapipe==0\n")
    run = project.snakemake(target=[RIGHT, LATER])
    assert run.ok and run.jobs() == {"landmarks": 2}, run.text
    assert "a word at" not in run.text
    for path, there in ((RIGHT, range(5)), (LATER, range(3, 9))):
        landmarks = read_landmarks(project.folder / path)
        assert landmarks.joints_2d.shape == (9, 33, 2)
        known = np.isfinite(landmarks.joints_2d).all((1, 2))
        assert known.tolist() == [n in there for n in range(9)]
    # Newer packages re-run nothing, as elsewhere; what verify says of files knows no environments.
    (folder / "installed.txt").write_text("mediapipe==1\n")
    assert project.planned(target=RIGHT) == {}
    shutil.rmtree(folder)
    assert project.planned(target=RIGHT) == {}
    text = project.snakemake(target="verify").text
    assert f"current  {RIGHT}\n" in text and ENVIRONMENT not in text


@pytest.mark.slow
def test_mediapipe_says_what_the_demo_ships(tmp_path):
    """The real package, from the registry, and the example of docs/own-estimates.md with it."""
    copy_sources(tmp_path / "project")
    demo = Project(tmp_path / "project", configfile=None)
    path = demo.folder / "config" / "config.yaml"
    config = yaml.safe_load(path.read_text())
    sequence = config["sequences"]["cam04"]
    config["sequences"] = {"cam04": {"video": sequence["video"]}}
    path.write_text(yaml.safe_dump(config))
    run = demo.snakemake(target="results/demo/cam04/pose_0.h5")
    assert run.ok, run.text
    landmarks = read_landmarks(demo.folder / "results" / "demo" / "cam04" / "landmarks.h5")
    with np.load(ROOT / "resources" / "demo" / "mediapipe.npz") as shipped:
        pixels, world = shipped["image_px"][3], shipped["world_m"][3]
    # What is shipped was made without seeing ten frames backwards first; that fades.
    off = np.linalg.norm(landmarks.joints_2d - pixels, axis=-1).mean(1)
    assert off.mean() < 3 and off[40:].mean() < 1
    assert np.linalg.norm(landmarks.joints_3d - world, axis=-1)[40:].mean() < 0.005

    code = re.findall(r"```python\n(.*?)```", (ROOT / "docs/own-estimates.md").read_text(), re.S)[0]
    (demo.folder / "walk.mp4").symlink_to(demo.folder / sequence["video"])
    python = demo.folder / ENVIRONMENT / "bin" / "python"
    subprocess.run([python, "-c", code], cwd=demo.folder, check=True)
    detections, joints = (read(demo.folder / "walk.npz") for read in (read_detections, read_joints))
    # On the machine that made both, to the last digit.
    assert np.linalg.norm(detections.points - pixels, axis=-1).mean() < 1
    assert np.linalg.norm(joints.points - world, axis=-1).mean() < 0.005
    assert np.abs(detections.confidence - landmarks.confidence).mean() < 0.1
    assert joints.skeleton.joints == landmarks.skeleton.joints
