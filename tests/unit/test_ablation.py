"""What a config's ablation asks for, and how it is refused."""

import copy

import pytest

from ablation import CONFIGURED, ESTIMATED, FIRST_CYCLE, UNTRAINED, ablation
from configuration import ConfigError, complete

RECORDING = {"file": "recording.npz", "camera": "cam01"}
SEQUENCE = {"video": "video.mp4", "estimates": RECORDING, "truth": RECORDING}


@pytest.fixture
def given():
    sequences = {"walk": SEQUENCE, "run": SEQUENCE}
    return copy.deepcopy(
        {"dataset": "mine", "sequences": sequences, "flow": {"weights": "raft.pth"}}
    )


def rows_of(given, **part):
    configs, rows = ablation(given | {"ablation": part})
    return {row.name: (row, configs[row.variant]) for row in rows}


def test_without_an_ablation_there_is_the_config(given):
    assert ablation(given) == ({"": complete(given)}, [])


def test_rows_are_compared_with_what_they_take_a_part_from(given):
    rows = rows_of(given)
    compared = {name: row.compared_with for name, (row, _) in rows.items()}
    parts, learned = (
        [name for name, other in compared.items() if other == compared_with]
        for compared_with in (UNTRAINED, FIRST_CYCLE)
    )
    assert compared == {
        ESTIMATED: None,
        "smoothed, Gaussian": ESTIMATED,
        "smoothed, Savitzky-Golay": ESTIMATED,
        CONFIGURED: ESTIMATED,
        "mode: reference": CONFIGURED,
        "flow.adaptation: fuse": CONFIGURED,
        UNTRAINED: CONFIGURED,
        **dict.fromkeys(parts, UNTRAINED),
        FIRST_CYCLE: ESTIMATED,
        **dict.fromkeys(learned, FIRST_CYCLE),
    }
    assert parts == ["no flow at all"] + [
        f"no finetuning, {part}"
        for part in (
            *("weights.flow: 0", "repair: false", "units: pixels", "temporal: rest"),
            *("per_second: false", "knee: null", "confidence: false", "weights.keypoints: 0.01"),
        )
    ]
    assert learned == [
        *("cycle 1, flow.target: blocks", "cycle 1, flow.target_at: pose"),
        "cycle 1, learning as in the paper",
    ]
    assert {rows[name][0].cycle for name in (*learned, FIRST_CYCLE)} == {1}
    assert {rows[name][1]["cycles"] for name in learned} == {1}
    assert rows[learned[0]][1]["flow"]["block"] == {"radius": 15, "person_height": 500}
    untrained = rows[UNTRAINED][1]
    for name in parts:
        row, config = rows[name]
        assert row.cycle == config["cycles"] == 1
        assert config["flow"] == untrained["flow"] and config["pose"] != untrained["pose"]
    assert rows[ESTIMATED][0].cycle == 0 and rows[ESTIMATED][0].variant == ""
    assert rows[CONFIGURED][0].cycle == 2 and rows[CONFIGURED][0].variant == ""
    smoothed = rows["smoothed, Gaussian"][1]["pose"]
    assert (smoothed["solver"], smoothed["repair"]) == ("gaussian", False)


def test_parts_that_the_config_lacks_are_not_taken_away(given):
    given["pose"] = {"repair": False, "units": "pixels"}
    names = set(rows_of(given))
    assert "no finetuning, temporal: rest" in names
    assert not names & {"no finetuning, repair: false", "no finetuning, units: pixels"}
    # Without repair it is the same as without flow in the energy.
    assert ("no flow at all" in names) + ("no finetuning, weights.flow: 0" in names) == 1


def test_of_one_cycle_the_config_itself_is_the_first(given):
    given["cycles"] = 1
    rows = rows_of(given)
    assert FIRST_CYCLE not in rows
    learned = [row for name, (row, _) in rows.items() if name.startswith("cycle 1, ")]
    assert [row.compared_with for row in learned] == [CONFIGURED] * 3


@pytest.mark.parametrize(
    ("flow", "left"),
    [
        ({"target_at": "pose"}, ["flow.target: blocks", "learning as in the paper"]),
        # They are drawn where the pose is projected in any case.
        (
            {"target": "blocks", "block": {"person_height": 500}},
            ["learning as in the paper"],
        ),
        (
            {"learning_rate": 1e-5, "learning_rate_decay": False, "knee": 1},
            ["flow.target: blocks", "flow.target_at: pose"],
        ),
    ],
)
@pytest.mark.parametrize("cycles", [1, 2])
def test_of_the_finetuning_nothing_is_taken_away_that_the_config_lacks(given, flow, left, cycles):
    given["cycles"] = cycles
    given["flow"] |= flow
    learned = [name for name in rows_of(given) if name.startswith("cycle 1, ")]
    assert learned == [f"cycle 1, {part}" for part in left]


@pytest.mark.parametrize("adaptation", ["fuse", "none"])
def test_without_finetuning_no_cycle_is_set_apart(given, adaptation):
    given["flow"]["adaptation"] = adaptation
    rows = rows_of(given)
    assert not [name for name in rows if "cycle 1" in name]
    assert {row.compared_with for row, _ in rows.values()} <= {None, *rows}


def test_reference_mode_has_defaults_of_its_own(given):
    weights = {
        name: config["pose"]["weights"]["keypoints"]
        for name, (_, config) in rows_of(given, each={"mode": ["default", "reference"]}).items()
    }
    assert weights["mode: reference"] == 0.01 and weights["mode: default"] == 0.005
    given["pose"] = {"weights": {"keypoints": 0.3}}
    assert rows_of(given)["mode: reference"][1]["pose"]["weights"]["keypoints"] == 0.3


def test_values_vary_one_at_a_time_crossed_and_by_name(given):
    rows = rows_of(
        given,
        standard=False,
        each={"pose.weights.flow": [0, 0.01], "pose.knee": [None]},
        crossed={"flow.learning_rate": [1e-5, 5e-5], "flow.passes": [3, 4]},
        named={"wide blocks": {"flow.block.radius": 20, "frames.step": 2}},
    )
    folders = {name: row.variant for name, (row, _) in rows.items()}
    rates = ("1e-05", "5e-05")
    assert folders == {
        ESTIMATED: "",
        CONFIGURED: "",
        "pose.weights.flow: 0": "ablation/pose.weights.flow-0",
        "pose.weights.flow: 0.01": "ablation/pose.weights.flow-0.01",
        "pose.knee: null": "ablation/pose.knee-null",
        **{
            f"flow.learning_rate: {rate}, flow.passes: {n}": (
                f"ablation/flow.learning_rate-{rate}-flow.passes-{n}"
            )
            for rate in rates
            for n in (3, 4)
        },
        "wide blocks": "ablation/wide-blocks",
    }
    crossed = rows["flow.learning_rate: 5e-05, flow.passes: 3"][1]["flow"]
    assert (crossed["learning_rate"], crossed["passes"]) == (5e-5, 3)
    assert rows["pose.knee: null"][1]["pose"]["knee"] is None
    assert rows["wide blocks"][1]["flow"]["block"]["radius"] == 20
    assert rows["pose.weights.flow: 0"][0].compared_with == CONFIGURED
    # Other frames cannot be compared one by one.
    assert rows["wide blocks"][0].compared_with is None


def test_a_row_that_is_always_there_may_be_asked_for(given):
    assert list(rows_of(given, each={"mode": ["reference"]})) == list(rows_of(given))


def test_the_config_given_is_not_changed(given):
    before = copy.deepcopy(given)
    rows_of(given, named={"a": {"flow.block.radius": 3, "pose.weights.flow": 1}})
    assert given == before


@pytest.mark.parametrize(
    ("part", "line"),
    [
        ({"ech": {}}, "ablation.ech: unknown key; allowed: standard, each, crossed, named"),
        (
            {"each": {"pose.weigths.flow": [0]}},
            "ablation.each.pose.weigths: unknown key; allowed: solver, steps",
        ),
        (
            {"each": {"pose.weights.flw": [0]}},
            "ablation.each.pose.weights.flw: unknown key; allowed: prior, temporal",
        ),
        (
            {"each": {"flow.weights.no": [0]}},
            "ablation.each.flow.weights.no: unknown key; what varies: mode",
        ),
        (
            {"crossed": {"flow.passes": [3, 0]}},
            "ablation.crossed.flow.passes: 0 is less than the minimum of 1; allowed: a whole",
        ),
        (
            {"named": {"bad": {"pose.solver": "newton"}}},
            "ablation.named.bad.pose.solver: 'newton' is not one of",
        ),
        *(
            ({"named": {"x": {key: 1}}}, f"ablation.named.x.{key}: this does not vary; what varies")
            for key in (
                *("dataset", "results", "sequences.walk.crop", "downloads.raft", "keep.flows"),
                *("device", "human36m.folder", "ablation.standard", "allow_missing", "frmes.step"),
                "flow.low_memory",
            )
        ),
        (
            {"each": {"pose.knee": [1, 1]}},
            "ablation.each.pose.knee: [1, 1] has non-unique elements",
        ),
        ({"each": {"pose.knee": []}}, "ablation.each.pose.knee: [] should be non-empty"),
        ({"each": {"pose.knee": 1}}, "ablation.each.pose.knee: 1 is not of type 'array'"),
        ({"named": {"x": {}}}, "ablation.named.x: {} should be non-empty"),
        (
            {"each": {"flow.passes": [3]}, "named": {"three": {"flow.passes": 3}}},
            "ablation.named.three: 'three' would be 'flow.passes: 3' once more (leave one out)",
        ),
        (
            {"named": {"as configured": {"flow.passes": 3}}},
            "ablation.named.as configured: there is a row 'as configured' already; take another",
        ),
        (
            {"named": {"a b": {"flow.passes": 3}, "a  b": {"flow.passes": 4}}},
            "ablation.named.a  b: the folder of 'a  b' would be ablation/a-b, as another row's",
        ),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_refused(given, part, line):
    with pytest.raises(ConfigError) as error:
        rows_of(given, **part)
    assert str(error.value).startswith(line)


def test_rows_of_the_default_are_refused_in_reference_mode(given):
    given["mode"] = "reference"
    with pytest.raises(ConfigError, match=r"ablation\.standard: mode reference ignores"):
        rows_of(given)
    assert list(rows_of(given, standard=False)) == [ESTIMATED, CONFIGURED]


def test_no_sequence_may_have_the_name_of_the_variants_folder(given):
    given["sequences"]["ablation"] = SEQUENCE
    with pytest.raises(ConfigError, match=r"sequences\.ablation: "):
        rows_of(given)
    assert ablation(given)[1] == []


def test_rows_that_would_be_the_config_itself_are_left_out_and_it_stands_for_them(given):
    given |= {"cycles": 1, "flow": given["flow"] | {"adaptation": "none"}}
    rows = rows_of(given)
    assert UNTRAINED not in rows
    assert rows["no flow at all"][0].compared_with == CONFIGURED
    given["pose"] = {"solver": "gaussian", "repair": False}
    rows = rows_of(given)
    assert "smoothed, Gaussian" not in rows
    assert {row.compared_with for row, _ in rows.values()} <= {None, *rows}


def test_names_of_any_language_have_folders_of_their_own(given):
    named = {"眉": {"pose.knee": 2}, "目": {"pose.knee": 3}}
    folders = [row.variant for row, _ in rows_of(given, standard=False, named=named).values()]
    assert folders[2:] == ["ablation/眉", "ablation/目"]
    for names in (("a b", "a-b"), ("!", "?")):
        named = dict(zip(names, named.values(), strict=True))
        with pytest.raises(ConfigError, match=r"the folder of .* would be ablation/"):
            rows_of(given, standard=False, named=named)
