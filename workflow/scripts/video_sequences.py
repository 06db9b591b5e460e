"""The sequences of a config that names a video, a folder of videos, or a table of them."""

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml

from flowpose.errors import InputError, check

VIDEOS = (
    *(".3gp", ".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ts", ".webm"),
    ".wmv",
)
# A config may have one of these.
SOURCES = ("video", "videos", "sequences", "human36m")


def named_sequences(config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A config whose videos, or table, are spelled out as `sequences`.

    Returns:
        The config, and where each sequence stands in a table, if there is one.

    Raises:
        InputError: several of these are named, there are no videos, two have one name, or a table
            is of another form.
    """
    sources = [key for key in SOURCES[:3] if config.get(key)]
    # All of its keys may be left out.
    sources += ["human36m"] if config.get("human36m") is not None else []
    only = f"only one of {', '.join(SOURCES)} may be set"
    check(len(sources) < 2, " and ".join(sources), only)
    source = "".join(sources)
    named, places = config.get(source), {}
    # What is no text is for the schema to judge.
    if not isinstance(named, str) or source == "human36m":
        return dict(config), places
    if source == "video":
        sequences = {sequence_name(named): {"video": _path(named)}}
    elif source == "videos":
        sequences = _in_folder(_path(named))
    else:
        sequences, places = read_table(_path(named))
    return {**config, "video": None, "videos": None, "sequences": sequences}, places


def sequence_name(video: str) -> str:
    """The name of a video's sequence: the file's, without what a folder's name cannot have."""
    path = Path(_path(video))
    name = path.stem if path.suffix.lower() in VIDEOS else path.name
    name = re.sub(r"[^\w. -]", "_", unicodedata.normalize("NFC", name)).lstrip(". -")
    # The row of means has one of these names.
    return f"video {name}".rstrip() if name in ("", "mean") else name


def read_table(table: str) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The sequences of a table whose columns are the keys of a sequence, separated by tabs.

    Keys inside others have dots: `estimates.file`. Lists are written as in YAML; an empty cell is
    as a key that is not there. A sequence without a name has that of its video.

    Returns:
        The sequences, and of each where it stands in the table.

    Raises:
        InputError: the table is missing or of another form.
    """
    sequences: dict[str, dict[str, Any]] = {}
    places: dict[str, str] = {}
    for place, cells in _rows(table):
        name = cells.pop("sequence", "") or sequence_name(cells.get("video", ""))
        check(
            name not in sequences,
            f"{place}, column sequence",
            f"{name} is in {places.get(name)} already",
            "give each a name of its own",
        )
        sequences[name], places[name] = _nested(cells, place), place
    check(bool(sequences), table, "a table without sequences")
    return sequences, places


def _path(text: str) -> str:
    """A path as the shell would have it: `~` is the home folder."""
    return str(Path(text).expanduser())


def _in_folder(folder: str) -> dict[str, dict[str, Any]]:
    """A sequence for each video in a folder."""
    check(Path(folder).is_dir(), f"videos: {folder}", "no such folder", "or is it video=FILE?")
    sequences: dict[str, dict[str, Any]] = {}
    for path in sorted(Path(folder).iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in VIDEOS:
            continue
        name = sequence_name(str(path))
        if name in sequences:
            raise InputError(
                f"videos: {sequences[name]['video']} and {path} would both be the sequence "
                f"{name!r} (rename one, or name them in a table)"
            )
        sequences[name] = {"video": str(path)}
    check(bool(sequences), f"videos: {folder}", f"no videos in it ({', '.join(VIDEOS)})")
    return sequences


def _rows(table: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row that is not empty: where it stands, and its cells that are not."""
    check(Path(table).is_file(), f"sequences: {table}", "no such file")
    try:
        # Spreadsheets put a mark in front.
        text = Path(table).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{table}: no text in UTF-8 (save it as such)") from error
    reader = csv.reader(text.splitlines(keepends=True), "excel-tab")
    columns = [cell.strip() for cell in next(reader, [])]
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    check(not twice, f"{table}, line 1", f"several columns {', '.join(twice)}")
    check(
        "video" in columns,
        f"{table}, line 1",
        f"expected a column video, found {', '.join(columns) or 'none'}",
        "columns are separated by tabs",
    )
    for row in reader:
        place = f"{table}, line {reader.line_num}"
        named = list(zip_longest(columns, (cell.strip() for cell in row), fillvalue=""))
        stray = [cell for column, cell in named if cell and not column]
        check(not stray, place, f"cells under no column's name: {', '.join(stray)}")
        if cells := {column: cell for column, cell in named if cell}:
            yield place, cells


def _nested(cells: Mapping[str, str], place: str) -> dict[str, Any]:
    """Cells as keys of a sequence: those with dots inside others."""
    sequence: dict[str, Any] = {}
    for column, cell in cells.items():
        *parents, key = column.split(".")
        inside = sequence
        where = f"{place}, column {column}"
        for parent in parents:
            inside = inside.setdefault(parent, {})
            check(isinstance(inside, dict), where, f"there is a column {parent}, too")
        inside[key] = _value(cell, where)
    return sequence


def _value(cell: str, where: str) -> Any:
    """A cell as the command line gives it: a list, or text."""
    if not cell.startswith("["):
        return cell
    try:
        return yaml.load(cell, yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise InputError(f"{where}: no list: {cell}") from error
