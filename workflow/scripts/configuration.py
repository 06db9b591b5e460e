"""Reading the config against its schema: defaults filled in, errors that name the key."""

import math
import os
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from flowpose.errors import InputError
from formats import KEYPOINTS, POSES, TRUE_FLOWS, TRUTHS, schema
from video_sequences import SOURCES, named_sequences

_SCHEMA = Path(__file__).parents[1] / "schemas" / "config.schema.yaml"
# What a sequence can be exported as.
EXPORTS = yaml.safe_load(_SCHEMA.read_text())["properties"]["exports"]["items"]["enum"]

# What is fetched lies in a folder of its own in here, named as in the config.
DOWNLOADS = "resources/downloads"

_BOOLEANS = {"true": True, "false": False}
# Of the keys of frames: what sets one of these takes the place of the other.
_ALTERNATIVES = {"step": "rate", "rate": "step", "width": "max_side", "max_side": "width"}
_PAPERS_STEP = 5


# A key, by the levels that lead to it, and what is wrong with it.
Keys = tuple[str, ...]
Problem = tuple[Keys, str]


class ConfigError(Exception):
    """What is wrong with a config, a line an error."""


def complete(config: dict[str, Any]) -> dict[str, Any]:
    """The config with all defaults, its videos as sequences, and estimates in their full form.

    Raises:
        ConfigError: a key is unknown or missing, or a value is not allowed.
    """
    try:
        config, places = named_sequences(config)
    except InputError as error:
        raise ConfigError(str(error)) from error
    root = _schema(config.get("mode") == "reference")
    filled = _with_defaults(config, root, root)
    errors = sorted(_Validator(root).iter_errors(filled), key=_keys)
    problems = [problem for error in errors for problem in _explain(error)]
    if not (problems or filled["sequences"] or filled["human36m"]):
        example = "for example: --config video=my.mp4"
        problems = [((), f"one of {', '.join(SOURCES)} must be set ({example})")]
    problems = problems or [*_not_downloaded(filled, filled["downloads"]), *_frames_in_full(filled)]
    if problems:
        # Each of an item's missing keys is an error that lists them all.
        lines = dict.fromkeys(f"{_key(path, places)}: {text}" for path, text in problems)
        raise ConfigError("\n".join(lines))
    # As Snakemake writes targets that are named to it: ./results/table.csv is results/table.csv.
    filled["results"] = os.path.normpath(filled["results"])
    for name, sequence in filled["sequences"].items():
        made = {
            "format": "landmarks",
            "file": f"{filled['results']}/{filled['dataset']}/{name}/landmarks.h5",
        }
        estimates = sequence.get("estimates", {"pose": made, "keypoints": made})
        sequence["estimates"] = _in_full(estimates)
    return filled


@cache
def _schema(reference: bool) -> dict[str, Any]:
    """The schema of a config in its mode; not to be changed."""
    root = yaml.safe_load(_SCHEMA.read_text())
    root["$defs"] |= {
        "pose_formats": schema(POSES),
        "keypoint_formats": schema(KEYPOINTS),
        "truth": schema(TRUTHS, default="multiview"),
        "true_flow": schema(TRUE_FLOWS, default="files"),
    }
    return _in_reference(root) if reference else root


def _in_full(estimates: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The pose and the keypoints that estimates stand for."""
    if "pose" in estimates:
        return estimates
    if estimates.get("format") == "metro":
        return {
            "pose": {"format": "metro", "file": estimates["file"]},
            "keypoints": {"format": "dcpose", "file": estimates["keypoints"]},
        }
    both = {"format": "mediapipe", "file": estimates["file"], "camera": estimates["camera"]}
    return {"pose": both, "keypoints": both}


def _frames_in_full(filled: dict[str, Any]) -> Iterator[Problem]:
    """Complete what says which frames are used, of each sequence too; yields what is wrong."""
    common = filled["frames"]
    parts: dict[Keys, dict[str, Any]] = {("frames",): common}
    for name, sequence in filled["sequences"].items():
        if (own := sequence.get("frames")) is not None:
            given = [key for key, value in own.items() if value is not None]
            replaced = {_ALTERNATIVES[key]: None for key in given if key in _ALTERNATIVES}
            sequence["frames"] = common | replaced | own
            parts["sequences", name, "frames"] = sequence["frames"]
    for path, frames in parts.items():
        for one, other in (("step", "rate"), ("width", "max_side")):
            if frames[one] is not None and frames[other] is not None:
                both = f"{{{one}: {frames[one]}, {other}: null}}"
                yield (*path, one), f"{other} is set, too; set one of them to null: frames={both}"
        if frames["step"] is None and frames["rate"] is None:
            frames["step"] = _PAPERS_STEP


def _not_downloaded(value: Any, downloads: dict[str, Any], path: Keys = ()) -> Iterator[Problem]:
    """What is wrong with the paths among downloads in a part of the config."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _not_downloaded(item, downloads, (*path, name))
    elif isinstance(value, str) and Path(value).is_relative_to(DOWNLOADS):
        name = "".join(Path(value).relative_to(DOWNLOADS).parts[:1])
        if name not in downloads:
            has = f"has {', '.join(downloads)}" if downloads else "is empty"
            yield (
                path,
                f"{value} is of a download {name!r}, and downloads {has} (say there where "
                "it comes from, or give the path of a file of your own)",
            )


def _in_reference(schema: Any) -> Any:
    """The schema with the defaults that are others in `mode: reference`."""
    if not isinstance(schema, dict):
        return schema
    if "default_in_reference" in schema:
        return schema | {"default": schema["default_in_reference"]}
    return {key: _in_reference(item) for key, item in schema.items()}


def _with_defaults(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> Any:
    """A value with the schema's defaults put in wherever a key is absent."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, str):
        return _from_text(value, schema.get("type", ()))
    if isinstance(value, list) and "prefixItems" in schema:
        kinds = chain(schema["prefixItems"], repeat({}))
        return [_with_defaults(*pair, root) for pair in zip(value, kinds)]  # noqa: B905
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    filled = {key: sub["default"] for key, sub in properties.items() if "default" in sub} | value
    return {
        key: _with_defaults(item, sub, root)
        if (sub := properties.get(key) or (others if isinstance(others, dict) else None))
        else item
        for key, item in filled.items()
    }


def _from_text(text: str, types: str | list[str]) -> Any:
    """What the command line leaves as text (`true`), and YAML 1.1 too (`1e-5`)."""
    if "null" in types and text == "null":
        return None
    if "boolean" in types:
        return _BOOLEANS.get(text, text)
    for name, convert in (("integer", int), ("number", float)):
        if name in types:
            try:
                return convert(text)
            except ValueError:
                return text
    return text


def _is_number(_: object, value: object) -> bool:
    """Whether a value is a number one can compute with: JSON Schema lets NaN pass."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(_: object, value: object) -> bool:
    """JSON Schema counts 6.0 as an integer, Python's range does not."""
    return isinstance(value, int) and not isinstance(value, bool)


_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
    ),
)


def _explain(error: jsonschema.ValidationError) -> list[Problem]:
    """An error in the user's words: what is there and what is allowed."""
    path = _keys(error)
    if error.validator == "additionalProperties":
        allowed = error.schema["properties"]
        unknown = [key for key in error.instance if key not in allowed]
        return [((*path, key), f"unknown key; allowed: {', '.join(allowed)}") for key in unknown]
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return [((*path, key), "this key must be set") for key in missing]
    if "propertyNames" in error.absolute_schema_path:
        path = (*path, str(error.instance))
    meaning = error.schema.get("description", "")
    return [(path, error.message + (f"; allowed: {meaning}" if meaning else ""))]


def _keys(error: jsonschema.ValidationError) -> Keys:
    """The key that an error is about."""
    return tuple(map(str, error.absolute_path))


def _key(path: Keys, places: Mapping[str, str]) -> str:
    """A key with dots between levels; of a sequence of a table, its place there."""
    if path[:1] == ("sequences",) and "".join(path[1:2]) in places:
        return f"{places[path[1]]}, column {'.'.join(path[2:]) or 'sequence'}"
    return ".".join(path) or "config"
