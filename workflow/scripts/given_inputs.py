"""Files and folders that the config names, as inputs of rules; once used, they may be gone."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import h5py

from flowpose.errors import InputError
from flowpose.storage.stage_files import read_provenance


@cache
def is_there(path: str) -> bool:
    """Whether there is a file or folder that the config names, looked for once in a plan."""
    return Path(path).exists()


@cache
def is_file(path: str) -> bool:
    """Whether what the config names is a file, as `is_there`."""
    return Path(path).is_file()


def is_input(path: str, outputs: Sequence[str]) -> bool:
    """Whether a file of the config is an input that a stage's outputs can be made, or stay, from.

    A file that is gone still is, where the outputs were made from it: Snakemake then keeps them.
    One that never was there is not, so that the stage's script reports it: as an input of
    Snakemake's it would stop all sequences, not just its own.
    """
    if is_there(path):
        return True
    return all(Path(output).exists() for output in outputs) and path in _made_from(outputs[0])


def refuse_replacement(key: str, path: str, output: str) -> None:
    """Keep results that a mistyped path would replace by nothing.

    Args:
        key: of the config, which names the path.
        path: a file or folder.
        output: what a stage makes from it.

    Raises:
        InputError: the path leads nowhere, and there is an output that was made from another one.
    """
    if is_there(path) or not Path(output).exists():
        return
    made_from = _made_from(output)
    if not any(Path(source).is_relative_to(path) for source in made_from):
        raise InputError(
            f"{key}: {path}: no such file or folder; {output} was made from "
            f"{', '.join(made_from[:3]) or 'another one'} (mend the path, or delete that file)"
        )


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


@cache
def _made_from(made: str) -> list[str]:
    """The inputs that a file or a record names, as they were when it was first asked for."""
    try:
        if made.endswith(".json"):
            return sorted(json.loads(Path(made).read_text())["inputs"])
        with h5py.File(made, "r") as h5:
            return sorted(read_provenance(h5).inputs)
    except (OSError, KeyError, ValueError, InputError):
        # Not there, or damaged: then it is made again.
        return []
