import json

import pytest

from flowpose.storage import stage_files
from given_inputs import files_in, names_digest


@pytest.fixture(autouse=True)
def forgotten():
    """A process looks at a folder once."""
    files_in.cache_clear()
    yield
    files_in.cache_clear()


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
