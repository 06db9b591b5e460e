"""Configs that name a video, a folder of videos or a table; what is wrong with them is said."""

import re

import pytest

from configuration import ConfigError, complete
from video_sequences import named_sequences, sequence_name

REST = {"dataset": "mine", "flow": {"weights": "raft.pth"}}
MADE = {"format": "landmarks", "file": "results/mine/{}/landmarks.h5"}


def made(name):
    return MADE | {"file": MADE["file"].format(name)}


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Writes a table, rows of cells, to read in the folder it is in."""
    monkeypatch.chdir(tmp_path)

    def write(*rows, encoding="utf-8"):
        text = "\n".join("\t".join(row) for row in rows)
        (tmp_path / "clips.tsv").write_bytes(text.encode(encoding))
        return REST | {"sequences": "clips.tsv"}

    return write


def problems(config):
    with pytest.raises(ConfigError) as error:
        complete(config)
    return str(error.value).splitlines()


NAMES = {
    "my.mp4": "my",
    "clips/Walking 1.60457274.MOV": "Walking 1.60457274",
    "../clips/a.b.mp4": "a.b",
    "pictures.v2/": "pictures.v2",
    "..": "video",
    "-take 1-.avi": "take 1-",
    ".hidden.mp4": "hidden",
    'it\'s "it" [take] #3: 50%.mp4': "it_s _it_ _take_ _3_ 50_",
    "Ola\u0308f.mp4": "Ol\u00e4f",
    "走る.mp4": "走る",
    "mean.mp4": "video mean",
    "???.mp4": "___",
}


def test_a_video_gives_its_sequence_a_name_that_a_folder_can_have():
    assert {video: sequence_name(video) for video in NAMES} == NAMES
    sequences = {name: {"video": video} for video, name in NAMES.items()}
    assert len(complete(REST | {"sequences": sequences})["sequences"]) == len(NAMES)


def test_a_video_is_a_sequence_whose_estimates_are_made():
    full = complete(REST | {"video": "clips/-take 1.mp4"})
    estimates = {"pose": made("take 1"), "keypoints": made("take 1")}
    (sequence,) = full["sequences"].values()
    assert (sequence["video"], sequence["estimates"]) == ("clips/-take 1.mp4", estimates)
    assert full["video"] is None and complete(full) == full


def test_the_home_folder_may_be_written_in_short(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    config, _ = named_sequences({"video": "~/my.mp4"})
    assert config["sequences"] == {"my": {"video": "/home/ada/my.mp4"}}


def test_a_video_that_is_no_text_says_how_to_write_it():
    """Snakemake takes what follows a colon for a value."""
    (line,) = problems(REST | {"video": {"take": "3.mp4"}})
    assert line.startswith("video: {'take': '3.mp4'} is not of type 'string', 'null'; allowed: the")
    assert line.endswith("--config 'video=\"take #3.mp4\"'")


def test_a_path_with_braces_is_refused_as_snakemake_would_fill_them_in():
    (line,) = problems(REST | {"video": "{take}.mp4"})
    assert line.startswith("sequences._take_.video: '{take}.mp4' does not match")
    assert line.endswith("; allowed: the path of a file, without braces")


def test_every_video_in_a_folder_is_a_sequence(tmp_path):
    for name in ("b.MP4", "a 1.mov", ".c.mp4", "notes.txt", "e.mkv.part"):
        (tmp_path / name).touch()
    (tmp_path / "pictures").mkdir()
    full = complete(REST | {"videos": str(tmp_path), "crop": "person"})
    videos = {name: item["video"] for name, item in full["sequences"].items()}
    assert videos == {"a 1": f"{tmp_path}/a 1.mov", "b": f"{tmp_path}/b.MP4"}


def test_two_videos_of_one_name_are_refused(tmp_path):
    for name in ("take?.mp4", "take!.mp4"):
        (tmp_path / name).touch()
    assert problems(REST | {"videos": str(tmp_path)}) == [
        f"videos: {tmp_path}/take!.mp4 and {tmp_path}/take?.mp4 would both be the sequence 'take_' "
        "(rename one, or name them in a table)"
    ]


def test_a_folder_without_videos_is_refused(tmp_path):
    (line,) = problems(REST | {"videos": str(tmp_path)})
    assert line.startswith(f"videos: {tmp_path}: no videos in it (.3gp, .avi,")
    (line,) = problems(REST | {"videos": f"{tmp_path}/none"})
    assert line == f"videos: {tmp_path}/none: no such folder (or is it video=FILE?)"


COLUMNS = ["sequence", "video", "crop", "frames.start", "estimates.file", "estimates.camera"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_row_of_a_table_is_a_sequence_and_an_empty_cell_no_key(table, encoding):
    config = table(
        COLUMNS,
        ["jump", "a.mp4", "[20, 290, 1040, 1040]", "2.5", "m.npz", "01"],
        [],
        ["", "clips/é.mov", "person"],
        ["whole", " b.mp4 ", "null", "", "", ""],
        encoding=encoding,
    )
    full = complete(config | {"frames": {"rate": 10}, "crop": [0, 0, 20, 20]})
    jump, second, whole = full["sequences"].values()
    assert list(full["sequences"]) == ["jump", "é", "whole"]
    assert (jump["crop"], jump["frames"]["start"]) == ([20, 290, 1040, 1040], 2.5)
    assert jump["frames"]["rate"] == 10
    mediapipe = {"format": "mediapipe", "file": "m.npz", "camera": "01"}
    assert jump["estimates"] == {"pose": mediapipe, "keypoints": mediapipe}
    assert (second["video"], second["crop"]) == ("clips/é.mov", "person")
    assert second["estimates"]["pose"] == made("é")
    assert (whole["video"], whole["crop"], "frames" in whole) == ("b.mp4", None, False)
    assert complete(full) == full


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [["sequence", "video", "frames.step"], ["a", "a.mp4", "two"]],
            "clips.tsv, line 2, column frames.step: 'two' is not of type 'integer', ",
        ),
        (
            [["video", "frames.step", "frames.rate"], ["a.mp4", "2", "10"]],
            "clips.tsv, line 2, column frames.step: rate is set, too",
        ),
        (
            [["video", "vidoe"], ["a.mp4"], ["b.mp4", "c.mp4"]],
            "clips.tsv, line 3, column vidoe: unknown key; allowed: video, ",
        ),
        (
            [["sequence", "video"], ["a"]],
            "clips.tsv, line 2, column video: this key must be set",
        ),
        (
            [["video", "estimates.file"], ["a.mp4"], ["b.mp4", "m.npz"]],
            "clips.tsv, line 3, column estimates.camera: this key must be set",
        ),
        (
            [["sequence", "video"], ["a/b", "a.mp4"]],
            "clips.tsv, line 2, column sequence: 'a/b' does not match",
        ),
        (
            [["video"], ["resources/downloads/x/a.mp4"]],
            "clips.tsv, line 2, column video: resources/downloads/x/a.mp4 is of a download 'x'",
        ),
        (
            [["video"], ["x/a.mp4"], [], ["y/a.mov"]],
            "clips.tsv, line 4, column sequence: a is in clips.tsv, line 2 already (give each",
        ),
        ([["video", "crop"], ["a.mp4", "[1, 2"]], "clips.tsv, line 2, column crop: no list: [1, 2"),
        (
            [["video", "crop"], ["a.mp4", "[1, 2]"]],
            "clips.tsv, line 2, column crop: [1, 2] is too short",
        ),
        ([["video"], ["a.mp4", "x"]], "clips.tsv, line 2: cells under no column's name: x"),
        (
            [["video", "truth", "truth.file"], ["a.mp4", "b", "c"]],
            "column truth.file: there is a c",
        ),
        ([["video,crop"], ["a.mp4,null"]], "clips.tsv, line 1: expected a column video, found vid"),
        ([["video", "crop", "crop"], ["a.mp4"]], "clips.tsv, line 1: several columns crop"),
        ([["video"]], "clips.tsv: a table without sequences"),
        ([[]], "clips.tsv, line 1: expected a column video, found none"),
    ],
)
def test_what_is_wrong_in_a_table_is_named_by_line_and_column(table, rows, expected):
    (line,) = problems(table(*rows))
    assert re.search(f"(^|, ){re.escape(expected)}", line), line


def test_a_table_that_is_missing_or_no_text_is_refused(table):
    (line,) = problems(table(["video"], ["é.mp4"], encoding="latin-1"))
    assert line == "clips.tsv: no text in UTF-8 (save it as such)"
    assert problems(REST | {"sequences": "none.tsv"}) == ["sequences: none.tsv: no such file"]
