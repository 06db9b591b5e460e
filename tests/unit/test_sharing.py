"""Which files variants share: all that they would make alike, and nothing else."""

import copy
from itertools import product

import pytest
import yaml

from ablation import ablation
from configuration import complete
from sharing import Sharing, made_from, maker

RECORDING = {"file": "recording.npz", "camera": "cam01"}
GIVEN = {
    "dataset": "mine",
    "sequences": {"walk": {"video": "video.mp4", "estimates": RECORDING, "truth": RECORDING}},
    "flow": {"weights": "raft.pth"},
}
# Of every key that may vary another value than the default.
OTHERS = {
    "mode": "reference",
    "frames.first": 2,
    "frames.step": 3,
    "frames.count": 7,
    "frames.width": 99,
    "frames.start": 1,
    "frames.end": 9,
    "frames.rate": 7,
    "frames.max_side": 99,
    "flow.model": "raft_small",
    "flow.weights": "others.pth",
    "flow.updates": 3,
    "flow.passes": 2,
    "flow.learning_rate": 0.1,
    "flow.precision": "fast",
    "flow.frozen_encoders": True,
    "flow.gradient_updates": 2,
    "flow.pairs_per_step": 2,
    "flow.person_margin": 9,
    "flow.adaptation": "fuse",
    "flow.learning_rate_decay": False,
    "flow.knee": 1,
    "flow.target": "blocks",
    "flow.target_at": "pose",
    "flow.block.radius": 3,
    "flow.block.person_height": 400,
    "pose.solver": "adam",
    "pose.steps": 4,
    "pose.learning_rate": 0.2,
    "pose.stop_decimals": 1,
    "pose.stop_patience": 1,
    "pose.min_confidence": 0.5,
    "pose.repair": False,
    "pose.units": "pixels",
    "pose.temporal": "rest",
    "pose.per_second": False,
    "pose.knee": 2,
    "pose.confidence": False,
    **{
        f"pose.weights.{term}": 7
        for term in ("prior", "temporal", "bones", "camera", "keypoints", "flow")
    },
}
# The first stages that are made otherwise.
FIRST = {"mode": "frames", "frames": "frames", "pose": "pose_1"}
OF_FLOW_0 = ("model", "weights", "updates", "precision")


def sharing(**variants):
    """Of the config itself, and of variants with one key or more set."""
    given = copy.deepcopy(GIVEN) | {"ablation": {"standard": False, "named": variants}}
    configs, rows = ablation(given)
    folders = {row.name: row.variant for row in rows}
    found = Sharing(configs)
    return lambda name, stage: found.owner(folders[name], stage)


def leaves(node, above=""):
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}"


def test_every_key_that_may_vary_is_tried_here():
    """A key that no stage's settings name would let variants share what they make otherwise."""
    full = complete(GIVEN)
    keys = set(leaves({part: full[part] for part in ("frames", "flow", "pose")}))
    assert keys | {"mode"} == set(OTHERS) | {"flow.low_memory"}


@pytest.mark.parametrize("key", OTHERS)
def test_a_changed_key_changes_its_stage_and_all_that_come_from_it_and_no_other(key):
    part, _, name = key.partition(".")
    first = FIRST.get(part, "flow_0" if name in OF_FLOW_0 else "flow_1")
    keys = {"flow.model": "raft_small"} if key == "flow.model" else {key: OTHERS[key]}
    owner = sharing(other=keys)
    order = ["frames", "truth", "keypoints", "pose_0", "flow_0", "flow_scores_0", "pose_1"]
    order += ["flow_1", "flow_scores_1", "pose_2", "pose_scores", "flow_2", "flow_scores_2"]
    downstream = {first}
    config = complete(GIVEN)
    for stage in order:
        if downstream.intersection(made_from(stage, config)):
            downstream.add(stage)
    for stage in order:
        expected = "ablation/other" if stage in downstream else ""
        assert owner("other", stage) == (expected, stage), stage


def test_a_variant_like_the_config_makes_nothing():
    owner = sharing(same={"cycles": 2})
    for stage in ("frames", "pose_0", "flow_0", "pose_2", "flow_2", "pose_scores", "flow_scores_2"):
        assert owner("same", stage) == ("", stage)


def test_more_cycles_go_on_where_fewer_end():
    owner = sharing(longer={"cycles": 3})
    assert owner("longer", "flow_2") == ("", "flow_2")
    assert owner("longer", "pose_3") == ("ablation/longer", "pose_3")
    assert owner("longer", "pose_scores") == ("ablation/longer", "pose_scores")


def test_without_finetuning_every_flow_is_the_first_and_every_pose_the_same():
    owner = sharing(untrained={"flow.adaptation": "none"})
    assert owner("untrained", "flow_2") == ("", "flow_0")
    # The same flow, as the first pose sees it.
    assert owner("untrained", "flow_scores_0") == ("", "flow_scores_0")
    assert owner("untrained", "flow_scores_2") == ("ablation/untrained", "flow_scores_1")
    assert owner("untrained", "pose_1") == owner("untrained", "pose_2") == ("", "pose_1")
    assert owner("untrained", "pose_scores") == ("ablation/untrained", "pose_scores")


def test_a_fused_flow_learns_nothing_and_shares_the_pose_that_it_shows():
    owner = sharing(fused={"flow.adaptation": "fuse"})
    assert owner("fused", "pose_1") == ("", "pose_1")
    assert owner("fused", "flow_1") == ("ablation/fused", "flow_1")
    assert owner("fused", "pose_2") == ("ablation/fused", "pose_2")


@pytest.mark.parametrize("adaptation", ["finetune", "fuse"])
def test_blocks_are_drawn_in_one_place_only(adaptation):
    blocks = {"flow.target": "blocks", "flow.adaptation": adaptation}
    owner = sharing(blocks=blocks, same=blocks | {"flow.target_at": "pose"})
    assert owner("same", "flow_1") == ("ablation/blocks", "flow_1")


def test_variants_share_with_each_other_what_the_config_does_not_make():
    wide = {"frames.width": 99}
    owner = sharing(first=wide, second=wide | {"flow.passes": 2})
    assert owner("second", "flow_0") == ("ablation/first", "flow_0")
    assert owner("second", "pose_1") == ("ablation/first", "pose_1")
    assert owner("second", "flow_1") == ("ablation/second", "flow_1")


def test_reference_mode_finetunes_whatever_the_adaptation():
    config = complete(GIVEN | {"mode": "reference", "flow": {"weights": "a", "adaptation": "none"}})
    assert maker("flow_1", config) == "flow_finetuned"
    assert made_from("flow_1", config) == ["frames", "flow_0", "pose_0"]
    assert made_from("pose_1", config) == ["frames", "pose_0", "keypoints", "flow_1"]


def test_many_cycles_and_variants_are_sorted_out_at_once():
    """A stage that comes from itself in the cycle before on several ways is looked at once."""
    given = copy.deepcopy(GIVEN) | {"cycles": 60}
    values = {"flow.passes": list(range(1, 6)), "flow.updates": list(range(1, 5))}
    given["ablation"] = {"standard": False, "crossed": values}
    configs, _ = ablation(given)
    found = Sharing(configs)
    for variant, cycle in product(configs, range(1, 61)):
        assert found.owner(variant, f"flow_{cycle}") == (variant, f"flow_{cycle}")


@pytest.mark.parametrize("path", ["config/config.yaml", "config/ablation-demo.yaml"])
def test_the_demos_share_all_of_the_first_cycle_but_what_is_varied(path, request):
    config = yaml.safe_load((request.config.rootpath / path).read_text())
    configs, rows = ablation(config | {"ablation": {"standard": True}})
    found = Sharing(configs)
    finetuned = {
        row.name: {
            found.owner(row.variant, f"flow_{k}")
            for k in range(1, row.cycle + 1)
            if maker(f"flow_{k}", configs[row.variant]) == "flow_finetuned"
            and found.owner(row.variant, f"flow_{k}")[0] == row.variant
        }
        for row in rows
    }
    # README.md and docs/method.md say 28, of four views.
    assert len(set.union(*finetuned.values())) == 28 / 4
    assert [name for name, flows in finetuned.items() if flows] == [
        *("as configured", "mode: reference", "as configured, cycle 1"),
        *("cycle 1, flow.target: blocks", "cycle 1, flow.target_at: pose"),
        "cycle 1, learning as in the paper",
    ]
