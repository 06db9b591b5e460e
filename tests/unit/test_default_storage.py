"""Paths of the config, and where a job has what a storage plugin brings."""

from pathlib import Path, PurePath
from types import SimpleNamespace

import pytest

from default_storage import DefaultStorage, bring, local_copy, path_in_config

ROOT = ".snakemake/storage/fs/bucket"


class Stored:
    """A file of a bucket, as Snakemake has it."""

    def __init__(self, bucket: Path, copies: Path, path: str) -> None:
        self.source, self.copy = bucket / path, copies / path

    def local_path(self) -> Path:
        return self.copy

    def exists(self) -> bool:
        return self.source.exists()

    def retrieve_object(self) -> None:
        self.copy.write_bytes(self.source.read_bytes())


@pytest.fixture
def storage(tmp_path):
    (tmp_path / "bucket" / "results").mkdir(parents=True)
    (tmp_path / "bucket" / "results" / "flow_0.h5").write_text("flow")

    def stored(query: str) -> Stored:
        path = PurePath(query).relative_to("s3://bucket").as_posix()
        return Stored(tmp_path / "bucket", tmp_path / "copies", path)

    return DefaultStorage(SimpleNamespace(object=stored), "s3://bucket/")


def test_what_is_there_is_asked_of_the_storage(storage, tmp_path):
    assert storage.root == str(tmp_path / "copies")
    assert storage.has("results/flow_0.h5") and storage.has("results")
    assert not storage.has("results/flow_1.h5")


@pytest.mark.parametrize("path", ["/data/a.mp4", "../a.mp4", "data/../../a.mp4"])
def test_paths_that_lead_out_of_the_storage_are_refused(storage, path):
    assert storage.problem(path) == "with a default storage, paths are relative to s3://bucket"
    assert storage.problem("data/a.mp4") is None


def test_the_log_of_a_job_elsewhere_takes_the_place_of_an_older_one(storage):
    stored = storage._object("results/flow_0.h5")

    class Log(str):
        is_storage, storage_object = True, stored

    log = Log(stored.local_path())
    for older in (None, "of an earlier run here"):
        if older:
            Path(log).write_text(older)
        bring(log)
        assert Path(log).read_text() == "flow"


def test_parameters_name_the_copies_of_files_and_folders():
    given = {"file": "in/a b.npz", "folder": "./in/walk/", "camera": "left", "fps": None}
    inputs = [f"{ROOT}/in/a b.npz", f"{ROOT}/in/walk", f"{ROOT}/results/frames.h5"]
    assert local_copy(given, inputs, ROOT) == {
        **given,
        "file": f"{ROOT}/in/a b.npz",
        "folder": f"{ROOT}/in/walk",
    }
    # Of an input its end is not enough.
    assert local_copy("b.npz", inputs, ROOT) == "b.npz"
    assert local_copy(given, ["in/a b.npz"], "") == given


def test_files_say_what_they_were_made_from_alike_on_all_machines():
    for root in (ROOT, "/tmp/pod-1/.snakemake/storage/s3/bucket/flowpose"):
        assert path_in_config(f"{root}/in/walk/000.png", root) == "in/walk/000.png"
    assert path_in_config("in/a.npz", "") == "in/a.npz"
    assert path_in_config("/flowpose/envs/mediapipe.txt", ROOT) == "/flowpose/envs/mediapipe.txt"
