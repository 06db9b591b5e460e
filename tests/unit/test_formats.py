"""Every reader is registered, takes the keys that it is registered with, and is documented."""

import inspect
from importlib import import_module
from pathlib import Path

import pytest

from formats import FORMATS, documentation

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "workflow" / "scripts"
READS = {
    "pose": "read_joints",
    "keypoints": "read_detections",
    "truth": "read_labels",
    "true_flow": "read_true_flow",
}
ENTRIES = [(part, name) for part, formats in FORMATS.items() for name in formats]


@pytest.mark.parametrize(("part", "name"), ENTRIES)
def test_a_reader_takes_the_keys_of_its_format(part, name):
    found = FORMATS[part][name]
    read = getattr(import_module(found.module), READS[part])
    parameters = inspect.signature(read).parameters
    assert list(parameters) == list(found.keys)
    empty = inspect.Parameter.empty
    optional = [key for key in parameters if parameters[key].default is not empty]
    assert optional == list(found.optional)


@pytest.mark.parametrize("path", sorted((LIBRARY / "flowpose" / "readers").glob("[!_]*.py")))
def test_every_reader_is_registered_for_all_that_it_reads(path):
    module = ".".join(path.relative_to(LIBRARY).with_suffix("").parts)
    reads = {part for part in READS if hasattr(import_module(module), READS[part])}
    registered = {p for p in FORMATS if module in [found.module for found in FORMATS[p].values()]}
    assert reads == registered != set()


def test_every_kind_of_truth_is_registered():
    kinds = {
        ".".join(path.relative_to(LIBRARY).with_suffix("").parts)
        for path in (LIBRARY / "flowpose" / "datasets").rglob("*.py")
        if "\ndef read_labels(" in path.read_text()
    }
    assert kinds == {found.module for found in FORMATS["truth"].values()}


def test_the_documentation_lists_all_formats():
    """If not, replace that table by what `python workflow/scripts/formats.py` prints."""
    assert documentation() in (ROOT / "config" / "README.md").read_text()


@pytest.mark.parametrize(("part", "name"), ENTRIES)
def test_summaries_are_a_line(part, name):
    summary = FORMATS[part][name].summary
    assert summary and "\n" not in summary and "|" not in summary and not summary.endswith(".")
