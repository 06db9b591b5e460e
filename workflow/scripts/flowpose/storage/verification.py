"""Are the files that were made still what they should be? By what they say of themselves."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import h5py

from flowpose.errors import InputError
from flowpose.storage.provenance import Provenance, read_record
from flowpose.storage.stage_files import failure, read_provenance
from flowpose.storage.whole_files import check_zip, damage_named, sha256

State = Literal["current", "stale", "corrupt", "missing", "failed"]


@dataclass(frozen=True)
class Expected:
    """A file of the workflow, and how it would be made today.

    Attributes:
        path: the file.
        record: the file that tells how it was made: itself, the HDF5 file that was written with it,
            or a record (.json).
        parameters: settings of its stage.
        code: digest of its stage's code.
        inputs: what it is made from.
    """

    path: str
    record: str
    parameters: Mapping[str, object]
    code: str
    inputs: Sequence[str]


@dataclass(frozen=True)
class Verdict:
    """What a file is, and why."""

    path: str
    state: State
    why: str = ""


def verify(expected: Iterable[Expected]) -> list[Verdict]:
    """What has become of each file: reads all of them, changes and makes none.

    Returns:
        In the order given, for each file: `current`; `stale`, if it was made with other settings,
        other code or other inputs, or from a file that is not current; `corrupt`, if its content is
        not what was written; `missing`; or `failed`, if it stands for a stage that failed.
    """
    files = {item.path: item for item in expected}
    digest = cache(sha256)

    @cache
    def verdict(path: str) -> Verdict:
        item = files[path]
        if not Path(path).is_file():
            return Verdict(path, "missing")
        try:
            made = _read_whole(item)
        except InputError as error:
            return Verdict(path, "corrupt", str(error))
        if why := _what_changed(item, made):
            return Verdict(path, "stale", why)
        for source in item.inputs:
            if source in files and verdict(source).state not in ("current", "failed"):
                return Verdict(path, "stale", f"{source} is {verdict(source).state}")
            # What was fetched or given may be gone: what was made from it stays.
            if Path(source).is_file() and made.inputs[source] != digest(source):
                return Verdict(path, "stale", f"{source} has changed")
        if path.endswith(".h5") and (reason := failure(path)):
            return Verdict(path, "failed", reason)
        return Verdict(path, "current")

    return [verdict(path) for path in files]


def _read_whole(item: Expected) -> Provenance:
    """What made a file, after a look at every byte of its data.

    Raises:
        InputError: it is damaged.
    """
    if item.record.endswith(".json"):
        return read_record(item.record, item.path)
    check_zip(item.path)
    with damage_named(item.record), h5py.File(item.record, "r") as h5:
        if item.record == item.path:
            h5.visititems(lambda _, found: _read_rows(found))
        return read_provenance(h5)


def _read_rows(found: h5py.Group | h5py.Dataset) -> None:
    if isinstance(found, h5py.Dataset) and found.ndim:
        for row in range(len(found)):
            found[row]


def _what_changed(item: Expected, made: Provenance) -> str:
    """In which way a file was made otherwise than it would be today; empty if in none."""
    if made.code != item.code:
        return "the code of its stage has changed"
    # First the inputs, as a parameter may be a digest of their names.
    for source in item.inputs:
        if source not in made.inputs:
            return f"it was not made from {source}"
    more = [source for source in made.inputs if source not in item.inputs]
    for source in more:
        if not Path(source).exists():
            return f"it was made from {source}, which is gone"
    today = json.loads(json.dumps(dict(item.parameters)))
    for name in sorted({*today, *made.parameters}):
        was, now = made.parameters.get(name), today.get(name)
        if was != now:
            return f"{name} was {was}, is {now}"
    return f"it was made from {more[0]}, too" if more else ""
