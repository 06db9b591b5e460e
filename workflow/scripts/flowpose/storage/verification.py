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
        kept: whether it stays once all that is made from it is there.
    """

    path: str
    record: str
    parameters: Mapping[str, object]
    code: str
    inputs: Sequence[str]
    kept: bool = True


@dataclass(frozen=True)
class Verdict:
    """What a file is, and why."""

    path: str
    state: State
    why: str = ""


def verify(expected: Iterable[Expected], software: Mapping[str, str]) -> list[Verdict]:
    """What has become of each file: reads all of them, changes and makes none.

    A file whose inputs are gone says itself what those were made from.

    Args:
        software: versions of what files would be made with today.

    Returns:
        In the order given, for each file: `current`, with a word on other software that made it;
        `stale`, if it was made with other settings, other code or other inputs, or from a file that
        is not current; `corrupt`, if its content is not what was written; `missing`; or `failed`,
        if it stands for a stage that failed.
    """
    files = {item.path: item for item in expected}
    verification = _Verification(files, software)
    return [verification.verdict(path) for path in files]


class _Verification:
    """The verdicts on files that depend on each other, each given once."""

    def __init__(self, files: Mapping[str, Expected], software: Mapping[str, str]) -> None:
        self._files = files
        self._software = software
        self._digest = cache(sha256)
        self.verdict = cache(self._verdict)

    def _verdict(self, path: str) -> Verdict:
        item = self._files[path]
        if not Path(path).exists():
            return Verdict(
                path, "missing", "" if item.kept else "deleted once it was used, see keep"
            )
        try:
            made = _read_whole(item)
        except InputError as error:
            return Verdict(path, "corrupt", str(error))
        if why := _what_changed(item, made) or self._which_input_changed(item, made, made):
            return Verdict(path, "stale", why)
        if path.endswith(".h5") and (reason := failure(path)):
            return Verdict(path, "failed", reason)
        return Verdict(path, "current", self._other_software(made))

    def _which_input_changed(self, item: Expected, made: Provenance, last: Provenance) -> str:
        """Which input of a file is not what it was made from, and why; empty if none.

        Args:
            item: the file, or an ancestor of it that is gone.
            made: what made that.
            last: what made the file, which knows its ancestors.
        """
        for source in item.inputs:
            state = self.verdict(source).state if source in self._files else "current"
            if state == "missing":
                before, known = self._files[source], last.ancestors.get(self._files[source].record)
                if known is None:
                    return f"{source} is gone, and nothing tells what it was made from"
                why = _what_changed(before, known) or self._which_input_changed(before, known, last)
                if why:
                    return f"{source} is gone, and would be made otherwise: {why}"
            elif state in ("stale", "corrupt"):
                return f"{source} is {state}"
            # What was fetched or given may be gone: what was made from it stays.
            elif Path(source).is_file() and made.inputs[source] != self._digest(source):
                return f"{source} has changed"
        return ""

    def _other_software(self, made: Provenance) -> str:
        other = [
            f"{name} {version} (here {self._software.get(name, 'none')})"
            for name, version in made.software.items()
            if self._software.get(name) != version
        ]
        return f"made with {', '.join(other)}" if other else ""


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
