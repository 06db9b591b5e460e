"""Which files the variants of a config share: those that they would make alike.

A stage is known by the name of its file: `frames`, `pose_1`, `flow_scores_0`, ...
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

# In reference mode these are as in the reference, whatever the config says.
_IN_FULL = {
    "precision": "exact",
    "learning_rate_decay": False,
    "knee": 1.0,
    "target": "blocks",
    "target_at": "pose",
    "frozen_encoders": False,
    "gradient_updates": None,
    "pairs_per_step": 1,
    "person_margin": None,
    "adaptation": "finetune",
}


def flow_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a config says of flow and its finetuning, in its mode."""
    return config["flow"] | (_IN_FULL if is_reference(config) else {})


def is_reference(config: Mapping[str, Any]) -> bool:
    """Whether to compute as the authors' code does."""
    return config["mode"] == "reference"


def last_pose(config: Mapping[str, Any]) -> int:
    """The last cycle that has a pose of its own.

    The paper refines a pose against the flow of the same cycle, and none in the last; by default a
    cycle begins with its pose, so that the flow learns toward the better one.
    """
    return config["cycles"] - is_reference(config)


def settings(rule: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """What the result of a rule depends on in a part of the config that may vary, by parameter."""
    flow, reference = flow_of(config), {"reference": is_reference(config)}
    match rule:
        case "frames":
            return {"used": config["frames"], "jpeg": is_reference(config)}
        case "flow_initial":
            return {key: flow[key] for key in ("weights", "model", "updates", "precision")} | (
                reference
            )
        case "flow_finetuned":
            # Low memory is no reason to compute again: the result is the same.
            unused = ("low_memory", "adaptation")
            return {key: value for key, value in flow.items() if key not in unused} | reference
        case "flow_fused":
            return {key: flow[key] for key in ("target", "target_at", "block")}
        case "pose_refined":
            return config["pose"] | reference
        case "pose_scores":
            return {
                "cycles": config["cycles"],
                "min_confidence": config["pose"]["min_confidence"],
            }
        case "flow_scores":
            return reference
    return {}


def maker(stage: str, config: Mapping[str, Any]) -> str:
    """The rule that makes a stage (`keypoints` are made with `pose_0`).

    A flow that is not adapted is the first one.
    """
    kind, cycle = _kind_and_cycle(stage)
    if kind == "flow":
        ways = {"finetune": "flow_finetuned", "fuse": "flow_fused", "none": "flow_initial"}
        return ways[flow_of(config)["adaptation"]] if cycle else "flow_initial"
    if kind == "pose":
        return "pose_refined" if cycle else "estimates"
    return kind


def stage_of(rule: str, cycle: str = "", **_: str) -> str:
    """The stage that a rule makes in a cycle (of those whose settings `settings` knows)."""
    kinds = {"flow_finetuned": "flow", "flow_fused": "flow", "pose_refined": "pose"}
    if rule == "flow_initial":
        return "flow_0"
    return f"{kinds.get(rule, rule)}_{cycle}" if cycle else rule


def made_from(stage: str, config: Mapping[str, Any]) -> list[str]:
    """The stages that a stage is made from."""
    rule, (_, cycle) = maker(stage, config), _kind_and_cycle(stage)
    match rule:
        case "frames":
            return []
        case "pose_refined":
            flow = cycle if is_reference(config) else cycle - 1
            return ["frames", "pose_0", "keypoints", f"flow_{flow}"]
        case "flow_finetuned":
            pose = cycle - 1 if is_reference(config) else cycle
            return ["frames", f"flow_{cycle - 1}", f"pose_{pose}"]
        case "flow_fused":
            return ["flow_0", f"pose_{cycle}"]
        case "pose_scores":
            return ["truth", "keypoints", *(f"pose_{k}" for k in range(last_pose(config) + 1))]
        case "flow_scores":
            pose = min(cycle, last_pose(config))
            return ["truth", "true_flow", f"flow_{cycle}", f"pose_{pose}"]
    return ["frames"]


class Sharing:
    """Whose files stand for those of each variant."""

    def __init__(self, configs: Mapping[str, Mapping[str, Any]]) -> None:
        """Of variants by name; of those that make a file alike, the first one's is shared."""
        self._configs = configs
        self._digest = cache(self._digest_of)
        self._first: dict[str, tuple[str, str]] = {}
        for variant, config in configs.items():
            for stage in _stages(config):
                self._first.setdefault(self._digest(variant, stage), (variant, stage))

    def is_none(self) -> bool:
        """Whether every stage of every variant has a file of its own."""
        return len(self._first) == sum(len(_stages(config)) for config in self._configs.values())

    def owner(self, variant: str, stage: str) -> tuple[str, str]:
        """The variant whose file of a stage stands for that of another, and that stage."""
        return self._first.get(self._digest(variant, stage), (variant, stage))

    def _digest_of(self, variant: str, stage: str) -> str:
        """Of all that a stage depends on; the sequence and what is given are the same in all."""
        config = self._configs[variant]
        rule = maker(stage, config)
        sources = [self._digest(variant, source) for source in made_from(stage, config)]
        text = json.dumps([rule, settings(rule, config), sources], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _stages(config: Mapping[str, Any]) -> list[str]:
    """All that are shared, in cycles after one another."""
    cycles, poses = range(config["cycles"] + 1), range(last_pose(config) + 1)
    return [
        *("frames", "truth", "true_flow", "keypoints"),
        *(f"pose_{k}" for k in poses),
        *(f"flow_{k}" for k in cycles),
        "pose_scores",
        *(f"flow_scores_{k}" for k in cycles),
    ]


def _kind_and_cycle(stage: str) -> tuple[str, int | None]:
    kind, _, cycle = stage.rpartition("_")
    return (kind, int(cycle)) if cycle.isdecimal() else (stage, None)
