import json
from pathlib import Path

import h5py
import pytest

import given_inputs
from flowpose.errors import InputError
from flowpose.storage import stage_files
from given_inputs import files_in, is_input, names_digest, refuse_replacement


@pytest.fixture(autouse=True)
def forgotten():
    """A process looks at a file or folder once."""
    yield
    for cached in (files_in, given_inputs.is_there, given_inputs._made_from):
        cached.cache_clear()


@pytest.fixture
def folder(tmp_path):
    for name in ("b.json", "a.json", "deep/c.json", ".hidden", "d.txt"):
        path = tmp_path / "json" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    return tmp_path / "json"


def test_files_of_a_folder_come_in_order_without_hidden_ones(folder):
    names = ["a.json", "b.json", "d.txt", "deep/c.json"]
    assert files_in(str(folder), "made.h5") == tuple(str(folder / name) for name in names)


def test_patterns_choose_files(folder):
    found = files_in(str(folder), "made.h5", ("*.txt", "deep/*.json", "./*.txt"))
    assert found == (str(folder / "d.txt"), str(folder / "deep" / "c.json"))


@pytest.mark.parametrize("kind", ["h5", "json"])
def test_of_a_folder_that_is_gone_what_was_made_from_it_tells(tmp_path, provenance, kind):
    made, gone = tmp_path / f"made.{kind}", tmp_path / "gone"
    inputs = {str(gone / "2.json"): "", str(gone / "1.json"): "", str(tmp_path / "video.mp4"): ""}
    if kind == "json":
        made.write_text(json.dumps({"inputs": inputs}))
    else:
        with stage_files.create(made, type(provenance)(**vars(provenance) | {"inputs": inputs})):
            pass
    assert files_in(str(gone), str(made)) == (str(gone / "1.json"), str(gone / "2.json"))


@pytest.mark.parametrize("content", [None, b"", b"{}", b"damaged"])
@pytest.mark.parametrize("kind", ["h5", "json"])
def test_of_a_folder_that_is_gone_nothing_is_known_without_that(tmp_path, kind, content):
    made = tmp_path / f"made.{kind}"
    if content is not None:
        made.write_bytes(content)
    assert files_in(str(tmp_path / "gone"), str(made)) == ()


def test_the_digest_is_of_the_names():
    assert names_digest(["a", "b"]) == names_digest(["b", "a"])
    assert len({names_digest(x) for x in ([], ["a"], ["a", "b"], ["ab"])}) == 4


@pytest.fixture
def counted(monkeypatch):
    """How often each path was looked for, and each file opened."""
    looks, opened = [], []
    exists, file = Path.exists, h5py.File
    monkeypatch.setattr(Path, "exists", lambda path: looks.append(str(path)) or exists(path))
    monkeypatch.setattr(
        h5py,
        "File",
        lambda path, *how, **more: opened.append(str(path)) or file(path, *how, **more),
    )
    return looks, opened


def test_a_plan_looks_once_for_what_many_stages_are_made_from(tmp_path, counted):
    looks, _ = counted
    weights = tmp_path / "raft.pth"
    weights.touch()
    for n in range(3):
        refuse_replacement("flow.weights", str(weights), str(tmp_path / f"{n}.h5"))
        assert is_input(str(weights), [str(tmp_path / f"{n}.h5")])
    assert looks == [str(weights)]


def test_a_plan_asks_once_what_a_file_was_made_from(tmp_path, provenance, counted):
    _, opened = counted
    made, gone = tmp_path / "made.h5", tmp_path / "gone.npz"
    fields = vars(provenance) | {"inputs": {str(gone): ""}}
    with stage_files.create(made, type(provenance)(**fields)):
        pass
    opened.clear()
    for _ in range(3):
        refuse_replacement("truth", str(gone), str(made))
        assert is_input(str(gone), [str(made)])
    with pytest.raises(InputError, match="made from"):
        refuse_replacement("truth", str(tmp_path / "mistyped.npz"), str(made))
    assert opened == [str(made)]
