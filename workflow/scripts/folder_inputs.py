"""The files that a folder of the config stands for, as inputs of rules."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import h5py

from flowpose.errors import InputError
from flowpose.storage.stage_files import read_provenance


@cache
def files_in(folder: str, made: str, patterns: Sequence[str] = ("**/*",)) -> tuple[str, ...]:
    """The files of a folder; if it is gone, those of it that `made` was made from.

    Args:
        made: an HDF5 file of a stage, or the record of a stage that writes none.
        patterns: which files count; hidden ones do not.
    """
    if Path(folder).is_dir():
        found = {
            path
            for pattern in patterns
            for path in Path(folder).glob(pattern)
            if path.is_file() and not path.name.startswith(".")
        }
        return tuple(sorted(map(str, found)))
    return tuple(path for path in _made_from(made) if Path(path).is_relative_to(folder))


def names_digest(paths: Iterable[str]) -> str:
    """A digest of files' paths: a parameter that changes where one is added or removed."""
    return hashlib.sha256("\n".join(sorted(paths)).encode()).hexdigest()[:12]


def _made_from(made: str) -> list[str]:
    """The inputs that a file or a record names."""
    try:
        if made.endswith(".json"):
            return sorted(json.loads(Path(made).read_text())["inputs"])
        with h5py.File(made, "r") as h5:
            return sorted(read_provenance(h5).inputs)
    except (OSError, KeyError, ValueError, InputError):
        # Not there, or damaged: then it is made again.
        return []
