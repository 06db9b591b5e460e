"""What an ablation compares: variants of a config, and the rows of its table."""

import copy
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from configuration import ConfigError, complete
from sharing import flow_of
from video_sequences import named_sequences

# Keys, or parts of the config, that may vary; of them not what has no part in the result.
_VARIED = ("mode", "cycles", "frames", "flow", "pose")
_UNVARIED = ("flow.low_memory",)
_WHAT_VARIES = "what varies: mode, cycles, and the keys of frames, flow and pose"

ESTIMATED, CONFIGURED, UNTRAINED = "as estimated", "as configured", "no finetuning"
# Of a pose alone, so that nobody waits for a finetuning.
_UNTRAINED = {"flow.adaptation": "none", "cycles": 1}
_UNREPAIRED = {**_UNTRAINED, "pose.repair": False}
# Those that each take one part of the pose's refinement away.
_PARTS: tuple[tuple[str, Any], ...] = (
    ("pose.weights.flow", 0),
    ("pose.repair", False),
    ("pose.units", "pixels"),
    ("pose.temporal", "rest"),
    ("pose.per_second", False),
    ("pose.knee", None),
    ("pose.confidence", False),
    ("pose.weights.keypoints", 0.01),
)
# And of the finetuning, which needs one cycle to show. Blocks are in proportion to the person.
FIRST_CYCLE = "as configured, cycle 1"
_FLOW_PARTS: dict[str, dict[str, Any]] = {
    "flow.target: blocks": {"flow.target": "blocks", "flow.block.person_height": 500},
    "flow.target_at: pose": {"flow.target_at": "pose"},
    "learning as in the paper": {
        "flow.learning_rate": 1e-5,
        "flow.learning_rate_decay": False,
        "flow.knee": 1,
    },
}


@dataclass(frozen=True)
class Row:
    """A row of an ablation's table.

    Attributes:
        name: for people.
        variant: the folder of its files in that of the data set; empty for the config itself.
        cycle: of which the scores are.
        compared_with: the name of another row of the same frames; None: with none.
    """

    name: str
    variant: str
    cycle: int
    compared_with: str | None


def ablation(
    given: Mapping[str, Any],
) -> tuple[dict[str, dict[str, Any]], list[Row]]:
    """The variants of a config, and what its ablation compares.

    Args:
        given: a config without defaults, so that a variant has those of its own mode.

    Returns:
        The complete config of each variant by its folder, the config itself first (a variant's is
        of one of the sequences only); and the rows, of which there are none without `ablation`.

    Raises:
        ConfigError: the config, or what its ablation says, is not right.
    """
    full = complete(given)
    configs, rows = {"": full}, []
    if full["ablation"] is None:
        return configs, rows
    given, _ = named_sequences(given)
    if "ablation" in full["sequences"]:
        raise ConfigError("sequences.ablation: variants' folder has this name; take another")
    rows.append(Row(ESTIMATED, "", 0, None))
    if full["ablation"]["standard"]:
        if full["mode"] == "reference":
            raise ConfigError(
                "ablation.standard: mode reference ignores what these rows take away; set it to "
                "false, or mode to default"
            )
        rows += _standard(given, full, configs)
    else:
        rows.append(Row(CONFIGURED, "", full["cycles"], ESTIMATED))
    rows += _given(given, full, configs, {row.name for row in rows})
    own = next((name for name, item in full["sequences"].items() if "frames" in item), None)
    if own and any(config["frames"] != full["frames"] for config in configs.values()):
        raise ConfigError(
            f"ablation: frames vary, but sequences.{own} has frames of its own (let one of them be)"
        )
    return configs, rows


def _standard(
    given: Mapping[str, Any], full: Mapping[str, Any], configs: dict[str, dict[str, Any]]
) -> Iterator[Row]:
    """Rows that are always of interest; those that would be an earlier one again are left out."""
    smoothed = {"Gaussian": "gaussian", "Savitzky-Golay": "savitzky_golay"}
    first = FIRST_CYCLE if full["cycles"] > 1 else CONFIGURED
    variants: list[tuple[str, dict[str, Any], str]] = [
        *(
            (f"smoothed, {name}", {**_UNREPAIRED, "pose.solver": solver}, ESTIMATED)
            for name, solver in smoothed.items()
        ),
        (CONFIGURED, {}, ESTIMATED),
        ("mode: reference", {"mode": "reference"}, CONFIGURED),
        ("flow.adaptation: fuse", {"flow.adaptation": "fuse"}, CONFIGURED),
        (UNTRAINED, _UNTRAINED, CONFIGURED),
        ("no flow at all", {**_UNREPAIRED, "pose.weights.flow": 0}, UNTRAINED),
        *(
            (
                f"{UNTRAINED}, {_named(key.removeprefix('pose.'), value)}",
                {**_UNTRAINED, key: value},
                UNTRAINED,
            )
            for key, value in _PARTS
        ),
    ]
    known = [(_variant(given, {}, "ablation.standard"), CONFIGURED)]
    if full["flow"]["adaptation"] == "finetune":
        known.append((_variant(given, {"cycles": 1}, "ablation.standard"), first))
        if first == FIRST_CYCLE:
            variants.append((first, {}, ESTIMATED))
        variants += [
            (f"cycle 1, {part}", {**keys, "cycles": 1}, first) for part, keys in _FLOW_PARTS.items()
        ]
    stands_for: dict[str, str] = {}
    for name, keys, other in variants:
        config, compared_with = (
            _variant(given, keys, "ablation.standard"),
            stands_for.get(other, other),
        )
        if name == CONFIGURED:
            yield Row(name, "", full["cycles"], compared_with)
        elif name == FIRST_CYCLE:
            yield Row(name, "", 1, compared_with)
        elif same := next((row for its, row in known if _alike(its, config)), None):
            stands_for[name] = same
        else:
            known.append((config, name))
            folder = _folder(name)
            configs[folder] = config
            yield Row(name, folder, config["cycles"], compared_with)


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two configs come to the same, whatever they say of what has no part in it."""
    return {**one, "flow": flow_of(one)} == {**other, "flow": flow_of(other)}


def _given(
    given: Mapping[str, Any],
    full: Mapping[str, Any],
    configs: dict[str, dict[str, Any]],
    taken: set[str],
) -> Iterator[Row]:
    """The rows that a config asks for itself, but for those that are there already."""
    asked: dict[str, dict[str, Any]] = {}
    plain = _variant(given, {}, "ablation")
    for where, name, keys in _asked(full["ablation"]):
        config, folder = _variant(given, keys, where), _folder(name)
        if name in taken and configs.get(folder) == config and name not in asked:
            continue
        if name in taken:
            raise ConfigError(f"{where}: there is a row {name!r} already; take another name")
        if folder in configs or folder == _folder(""):
            raise ConfigError(
                f"{where}: the folder of {name!r} would be {folder}, as another row's; take another"
                " name"
            )
        alike = next((other for other, its in asked.items() if its == config != plain), None)
        if alike is not None:
            raise ConfigError(f"{where}: {name!r} would be {alike!r} once more (leave one out)")
        taken.add(name)
        asked[name] = configs[folder] = config
        same_frames = config["frames"] == full["frames"]
        yield Row(name, folder, config["cycles"], CONFIGURED if same_frames else None)


def _asked(part: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Of each variant the key of the config that asks for it, its name, and what it sets."""
    for key, values in part["each"].items():
        for value in values:
            yield "ablation.each", _named(key, value), {key: value}
    if crossed := part["crossed"]:
        for values in itertools.product(*crossed.values()):
            keys = dict(zip(crossed, values, strict=True))
            yield "ablation.crossed", ", ".join(itertools.starmap(_named, keys.items())), keys
    for name, keys in part["named"].items():
        yield f"ablation.named.{name}", name, keys


def _named(key: str, value: Any) -> str:
    """A variant that sets one key, as a config would."""
    return f"{key}: {value if isinstance(value, str) else json.dumps(value)}"


def _folder(name: str) -> str:
    return "ablation/" + re.sub(r"[^\w.-]+", "-", name).strip("-.")


def _variant(given: Mapping[str, Any], keys: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The complete config in which some keys, with dots, are set; of one of its sequences.

    Raises:
        ConfigError: a key is unknown or does not vary, or its value is not allowed.
    """
    config = copy.deepcopy({**given, "ablation": None})
    # They are in all variants alike, and may be many.
    config["sequences"] = dict(itertools.islice((config.get("sequences") or {}).items(), 1))
    for key, value in keys.items():
        if key.partition(".")[0] not in _VARIED or key in _UNVARIED:
            raise ConfigError(f"{where}.{key}: this does not vary; {_WHAT_VARIES}")
        *parents, last = key.split(".")
        node = config
        for parent in parents:
            node = node.setdefault(parent, {})
            if not isinstance(node, dict):
                raise ConfigError(f"{where}.{key}: unknown key; {_WHAT_VARIES}")
        node[last] = value
    try:
        return complete(config)
    except ConfigError as error:
        lines = (f"{where}.{line}" for line in str(error).splitlines())
        raise ConfigError("\n".join(lines)) from error
