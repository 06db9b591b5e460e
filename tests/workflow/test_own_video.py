"""Videos of one's own: a table of them, names of any kind, pictures, the crop around the person."""

import shutil

import cv2
import h5py
import numpy as np
import pytest
from toy import N_FRAMES, SIDE

from flowpose.pose.person_crop import person_crop
from flowpose.readers.mediapipe import read_detections
from flowpose.video.decoding import open_video

VIDEO = 'inputs/it\'s [a] "clip" #1 é.avi'
NAME = "it_s _a_ _clip_ _1 é"
FRAMES = [f"results/toy/{name}/frames.h5" for name in (NAME, "pictures")]


@pytest.fixture(scope="module")
def project(finished, tmp_path_factory):
    """A table of two sequences: a video of an odd name, and the same as pictures, cropped."""
    project = finished.copy(tmp_path_factory.mktemp("own") / "project")
    inputs = project.folder / "inputs"
    shutil.copy(inputs / "right.avi", project.folder / VIDEO)
    (inputs / "pictures").mkdir()
    with open_video(inputs / "right.avi") as video:
        for n, picture in video.pictures(range(N_FRAMES)):
            cv2.imwrite(str(inputs / "pictures" / f"{n}.png"), picture[..., ::-1])
    estimates = ["inputs/estimates.npz", "right"]
    rows = [
        ["video", "fps", "crop", "frames.step", "estimates.file", "estimates.camera"],
        [VIDEO.replace('"', '""').join('""'), "", "null", "3", *estimates],
        ["inputs/pictures", "50", "person", "", *estimates],
    ]
    text = "\n".join("\t".join(row) for row in rows)
    (project.folder / "clips.tsv").write_text(text)
    project.write_config(project.config | {"sequences": "clips.tsv"})
    # There from another run: this one is not asked for it, and does not tell of it at its end.
    figure = project.folder / "results" / "toy" / "pictures" / "figure.png"
    figure.parent.mkdir()
    figure.touch()
    run = project.snakemake(target=FRAMES)
    assert run.ok, run.text
    assert run.jobs() == {"frames": 2}
    assert "figure.png" not in run.text and "docs/own-video.md" not in run.text
    return project


def test_frames_are_those_of_the_table_and_the_crop_is_found(project):
    inputs = project.folder / "inputs"
    found = read_detections(inputs / "estimates.npz", "right")
    used, times = range(0, N_FRAMES, 2), np.arange(N_FRAMES) / 50
    x, y, width, height = crop = person_crop(found, used, times, (SIDE, SIDE))
    assert min(x, y) > 0 and max(width, height) < SIDE
    whole, cut = (h5py.File(project.folder / path) for path in FRAMES)
    with open_video(inputs / "right.avi") as video, whole, cut:
        pictures = dict(video.pictures(range(N_FRAMES)))
        assert whole["index"][:].tolist() == [0, 3, 6]
        assert (whole["frames"][1] == pictures[3]).all()
        assert cut["index"][:].tolist() == [0, 2, 4, 6, 8]
        assert tuple(cut.attrs["crop_px"]) == crop
        part = pictures[4][y : y + height, x : x + width]
        assert (cut["frames"][2] == part).all()
        assert cut.attrs["fps"] == 25
    assert project.planned(target=FRAMES) == {}


def test_what_frames_are_made_of_re_runs_them(project, tmp_path):
    project = project.copy(tmp_path / "project")
    inputs = project.folder / "inputs"
    # Only the crop of the pictures is found from estimates.
    shutil.copy(inputs / "estimates.npz", inputs / "estimates.old")
    with (inputs / "estimates.npz").open("ab") as stream:
        stream.write(b"\0")
    assert project.planned(target=FRAMES) == {"frames": 1}
    shutil.copy(inputs / "estimates.old", inputs / "estimates.npz")
    shutil.copy(inputs / "pictures" / "8.png", inputs / "pictures" / "9.png")
    assert project.planned(target=FRAMES) == {"frames": 1}
