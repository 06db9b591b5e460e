import copy
from pathlib import Path

import pytest
import yaml

from configuration import EXPORTS, ConfigError, complete

CONFIGS = sorted((Path(__file__).parents[2] / "config").glob("*.yaml"))
RECORDING = {"file": "recording.npz", "camera": "cam01"}
SEQUENCE = {"video": "video.mp4", "estimates": RECORDING, "truth": RECORDING}


@pytest.fixture
def config():
    """As little as a config may say."""
    return copy.deepcopy(
        {"dataset": "mine", "sequences": {"walk": SEQUENCE}, "flow": {"weights": "raft.pth"}}
    )


def problems(config):
    with pytest.raises(ConfigError) as error:
        complete(config)
    return str(error.value).splitlines()


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_configs_of_this_repository_are_right(path):
    config = yaml.safe_load(path.read_text())
    named = {"video": "my.mp4"} if path.name == "video.yaml" else {}
    assert complete(config | named)["dataset"] == config["dataset"]


def test_there_are_configs():
    assert "config.yaml" in [path.name for path in CONFIGS]


def test_defaults_are_the_papers_but_for_those_that_are_named(config):
    full = complete(config)
    assert (full["mode"], full["cycles"]) == ("default", 2)
    part = {"count": None, "rate": None, "start": None, "end": None}
    assert full["frames"] == {"first": 1, "step": 5, "width": None, "max_side": None} | part
    assert (full["crop"], full["fps"]) == (None, None)
    assert full["flow"] == {
        "model": "raft_large",
        "weights": "raft.pth",
        "updates": 20,
        "passes": 8,
        "learning_rate": 1e-4,
        "learning_rate_decay": True,
        "knee": 0.3,
        "precision": "auto",
        "low_memory": False,
        "frozen_encoders": False,
        "gradient_updates": None,
        "pairs_per_step": 1,
        "person_margin": None,
        "target": "body",
        "target_at": "seen",
        "adaptation": "finetune",
        "block": {"radius": 15, "person_height": None},
    }
    weights = {"prior": 400, "temporal": 300, "bones": 10000, "camera": 0.1, "flow": 0.01}
    assert full["pose"] == {
        "weights": weights | {"keypoints": 0.005},
        "repair": True,
        "units": "person",
        "temporal": "velocity",
        "per_second": True,
        "knee": 1,
        "confidence": True,
        "solver": "gauss_newton",
        "steps": 1500,
        "learning_rate": 1e-3,
        "stop_decimals": 4,
        "stop_patience": 10,
        "min_confidence": 0,
    }
    full = complete(config | {"mode": "reference"})
    assert full["pose"]["weights"] == weights | {"keypoints": 0.01}


def test_a_weight_that_is_set_counts_in_reference_mode_too(config):
    config |= {"mode": "reference", "pose": {"weights": {"keypoints": 0.02}}}
    assert complete(config)["pose"]["weights"]["keypoints"] == 0.02


def test_what_is_set_stays_and_the_rest_of_its_section_is_filled_in(config):
    config["pose"] = {"weights": {"flow": 3}}
    config["frames"] = {"count": 9}
    full = complete(config)
    assert (full["pose"]["weights"]["flow"], full["pose"]["weights"]["prior"]) == (3, 400)
    assert (full["frames"]["count"], full["frames"]["step"]) == (9, 5)


def test_the_config_given_is_not_changed(config):
    before = copy.deepcopy(config)
    complete(config)
    assert config == before


@pytest.mark.parametrize("results", ["results", "./results", "a/../results", "/big//results"])
def test_results_are_as_snakemake_writes_the_targets_in_them(config, results):
    """Or `snakemake ./results/table.csv` would find no rule for it."""
    full = complete(
        copy.deepcopy(config) | {"results": results, "sequences": {"walk": {"video": "w"}}}
    )
    expected = {"/big//results": "/big/results"}.get(results, "results")
    assert full["results"] == expected
    made = full["sequences"]["walk"]["estimates"]["pose"]["file"]
    assert made == f"{expected}/mine/walk/landmarks.h5"


@pytest.mark.parametrize(
    ("section", "key"), [((), "datset"), (("flow",), "lr"), (("sequences", "walk"), "vidoe")]
)
def test_an_unknown_key_is_named_with_those_allowed(config, section, key):
    part = config
    for name in section:
        part = part[name]
    part[key] = 1
    (line,) = problems(config)
    assert line.startswith(".".join([*section, key]) + ": unknown key; allowed: ")


def test_every_missing_key_is_named_once(config):
    config |= {"sequences": {"walk": {"truth": RECORDING}}, "flow": {}}
    assert problems(config) == [
        "flow.weights: this key must be set",
        "sequences.walk.video: this key must be set",
    ]


def with_estimates(config, **estimates):
    config["sequences"]["walk"] = SEQUENCE | {"estimates": estimates}
    return config


MEDIAPIPE = RECORDING | {"format": "mediapipe"}
METRO, DCPOSE = {"format": "metro", "file": "m.npz"}, {"format": "dcpose", "file": "d.json"}


@pytest.mark.parametrize(
    ("short", "pose", "keypoints"),
    [
        (RECORDING, MEDIAPIPE, MEDIAPIPE),
        (MEDIAPIPE, MEDIAPIPE, MEDIAPIPE),
        (METRO | {"keypoints": "d.json"}, METRO, DCPOSE),
        (
            {"pose": MEDIAPIPE, "keypoints": {"format": "openpose", "folder": "json"}},
            MEDIAPIPE,
            {"format": "openpose", "folder": "json"},
        ),
    ],
)
def test_estimates_are_of_a_pose_and_of_keypoints(config, short, pose, keypoints):
    full = complete(with_estimates(config, **short))
    assert full["sequences"]["walk"]["estimates"] == {"pose": pose, "keypoints": keypoints}
    assert complete(full) == full


def test_estimates_that_are_not_given_are_made(config):
    config["sequences"]["walk"] = {"video": "video.mp4"}
    made = {"format": "landmarks", "file": "elsewhere/mine/walk/landmarks.h5"}
    full = complete(config | {"results": "elsewhere"})
    assert full["sequences"]["walk"]["estimates"] == {"pose": made, "keypoints": made}
    assert complete(full) == full


@pytest.mark.parametrize(
    ("estimates", "lines"),
    [
        ({"file": "m.npz"}, ["camera: this key must be set"]),
        (METRO, ["keypoints: this key must be set"]),
        (RECORDING | {"folder": "json"}, ["folder: unknown key; allowed: format, file, camera"]),
        (RECORDING | {"keypoints": "d.json"}, ["keypoints: unknown key; allowed: format, file, "]),
        (METRO | {"keypoints": "d.json", "camera": "1"}, ["camera: unknown key; allowed: format"]),
        (
            {"pose": METRO, "keypoints": {"format": "openpose", "folder": "json/"}},
            ["keypoints.folder: 'json/' does not match"],
        ),
        ({"pose": METRO}, ["keypoints: this key must be set"]),
        ({"keypoints": DCPOSE}, ["pose: this key must be set"]),
        (
            {"pose": METRO | {"camera": "1"}, "keypoints": DCPOSE},
            ["pose.camera: unknown key; allowed: format, file"],
        ),
        (
            {"pose": {"file": "m.npz"}, "keypoints": {"format": "openpose", "file": "a.json"}},
            [
                "keypoints.folder: this key must be set",
                "keypoints.file: unknown key; allowed: format, folder",
                "pose.format: this key must be set",
            ],
        ),
        (
            {"pose": DCPOSE, "keypoints": METRO},
            [
                "keypoints.format: 'metro' is not one of ['mediapipe', 'dcpose', 'openpose', ",
                "pose.format: 'dcpose' is not one of ['mediapipe', 'metro', 'landmarks'",
            ],
        ),
    ],
)
def test_a_format_wants_its_own_keys_and_no_others(config, estimates, lines):
    found = problems(with_estimates(config, **estimates))
    assert len(found) == len(lines)
    for line, expected in zip(sorted(found), sorted(lines), strict=True):
        assert line.startswith(f"sequences.walk.estimates.{expected}")


@pytest.mark.parametrize(
    ("truth", "full"),
    [
        (None, {"format": "none"}),
        (RECORDING, RECORDING | {"format": "multiview"}),
        ({"format": "none"}, {"format": "none"}),
    ],
)
def test_truth_may_be_none(config, truth, full):
    sequence = {key: value for key, value in SEQUENCE.items() if key != "truth"}
    config["sequences"]["walk"] = sequence | ({"truth": truth} if truth else {})
    assert complete(config)["sequences"]["walk"]["truth"] == full


def test_a_truth_that_is_none_names_no_file(config):
    config["sequences"]["walk"] = SEQUENCE | {"truth": RECORDING | {"format": "none"}}
    assert problems(config) == [
        f"sequences.walk.truth.{key}: unknown key; allowed: format" for key in ("file", "camera")
    ]


def test_a_true_flow_takes_a_folder_and_perhaps_masks(config):
    walk = config["sequences"]["walk"]
    assert "true_flow" not in complete(config)["sequences"]["walk"]
    for given in ({"folder": "flow"}, {"folder": "flow", "persons": "masks"}):
        walk["true_flow"] = given
        full = complete(config)["sequences"]["walk"]["true_flow"]
        assert full == given | {"format": "files"}
    walk["true_flow"] = {"persons": "masks", "mask": "masks"}
    assert sorted(problems(config)) == [
        "sequences.walk.true_flow.folder: this key must be set",
        "sequences.walk.true_flow.mask: unknown key; allowed: format, folder, persons",
    ]


@pytest.mark.parametrize("key", ["dataset", "flow"])
def test_a_config_needs_what_has_no_default(config, key):
    del config[key]
    assert problems(config) == [f"{key}: this key must be set"]


@pytest.mark.parametrize(
    ("section", "key", "value", "allowed"),
    [
        ("frames", "step", 0, "a whole number from 1, or null"),
        ("frames", "step", 6.0, "a whole number from 1, or null"),
        ("frames", "step", True, "a whole number from 1, or null"),
        ("frames", "rate", 0, "a number above 0, or null"),
        ("frames", "start", -1, "a number from 0, or null"),
        ("frames", "max_side", 15, "a whole number from 16, or null"),
        ("frames", "count", 2, "a whole number from 3, or null"),
        ("flow", "model", "raft", "raft_large or raft_small"),
        ("flow", "learning_rate", "fast", "a number above 0"),
        ("flow", "learning_rate", float("nan"), "a number above 0"),
        ("flow", "learning_rate", float("inf"), "a number above 0"),
        ("flow", "learning_rate", True, "a number above 0"),
        ("flow", "learning_rate", 0, "a number above 0"),
        ("pose", "min_confidence", 1.5, "a number from 0 to 1"),
        ("pose", "units", "m", "person or pixels"),
        ("pose", "temporal", "jerk", "velocity or rest"),
        ("pose", "knee", 0, "a number above 0, or null"),
    ],
)
def test_a_value_that_is_not_allowed_is_named_with_what_is(config, section, key, value, allowed):
    config.setdefault(section, {})[key] = value
    (line,) = problems(config)
    assert line.startswith(f"{section}.{key}: {value!r} is ")
    assert line.endswith(f"; allowed: {allowed}")


DRIVE = {"gdrive": "1" * 33}
WHEEL = {"requirement": "a==1", "wheel": "a-1-py3-none-any.whl", "sha256": "0" * 64}


@pytest.mark.parametrize(
    "download",
    [
        DRIVE,
        WHEEL,
        {"torchvision": "Raft_Large_Weights.C_T_V1"},
        *({"url": url} for url in ("https://a.org/b.zip", "http://a:80/", "file:///a/b/")),
        {"url": "https://a.org/b.zip", "sha256": "0" * 64},
    ],
)
def test_a_download_comes_from_one_place(config, download):
    assert complete(config | {"downloads": {"a": download}})["downloads"]["a"] == download


@pytest.mark.parametrize(
    "download",
    [
        {},
        DRIVE | {"url": "https://a.org/b.zip"},
        DRIVE | {"sha256": "0" * 64},
        {key: value for key, value in WHEEL.items() if key != "sha256"},
        {"sha256": "0" * 64},
    ],
)
def test_a_download_from_no_place_or_two_is_refused_with_what_is_possible(config, download):
    (line,) = problems(config | {"downloads": {"a": download}})
    assert line.startswith(f"downloads.a: {download!r} is not valid")
    assert line.endswith("; or url, with or without sha256; or gdrive; or torchvision")


@pytest.mark.parametrize("url", ["ftp://a.org/b", "https://", "/a/b", "file://a/b", "a.zip"])
def test_an_address_that_cannot_be_fetched_is_refused(config, url):
    (line,) = problems(config | {"downloads": {"a": {"url": url}}})
    assert line.startswith(f"downloads.a.url: {url!r} does not match")


@pytest.mark.parametrize(
    ("downloads", "has"), [({}, "is empty"), ({"metro": DRIVE, "raft": DRIVE}, "has metro, raft")]
)
def test_a_path_of_a_download_that_the_config_does_not_have_is_refused(config, downloads, has):
    config["downloads"] = downloads
    config["flow"]["weights"] = path = "resources/downloads/rft/models/raft.pth"
    config["sequences"]["walk"]["estimates"] = RECORDING | {"file": "resources/downloads/a"}
    first, second = problems(config)
    assert first.startswith("sequences.walk.estimates.file: resources/downloads/a is of a download")
    assert second == (
        f"flow.weights: {path} is of a download 'rft', and downloads {has} (say there where it "
        "comes from, or give the path of a file of your own)"
    )
    downloads |= {"rft": DRIVE, "a": DRIVE}
    assert complete(config)["flow"]["weights"] == path


@pytest.mark.parametrize("name", ["logs", "a.b", "", "a/b", "-a"])
def test_names_that_downloads_cannot_have_are_refused(config, name):
    (line,) = problems(config | {"downloads": {name: DRIVE}})
    assert line.startswith(f"downloads.{name}: {name!r} ")


@pytest.mark.parametrize("text", ["1e-5", "0.00001"])
def test_a_number_that_yaml_takes_for_text_is_one(config, text):
    """YAML 1.1 wants 1.0e-5."""
    config["flow"]["learning_rate"] = text
    assert complete(config)["flow"]["learning_rate"] == 1e-5


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_a_boolean_of_the_command_line_is_one(config, text, value):
    assert complete(config | {"allow_missing": text})["allow_missing"] is value


@pytest.mark.parametrize("value", ["yes", 1, [], {}])
def test_a_boolean_is_true_or_false(config, value):
    (line,) = problems(config | {"allow_missing": value})
    assert line == f"allow_missing: {value!r} is not of type 'boolean'; allowed: true or false"


@pytest.mark.parametrize(
    "crop", [[1, 2, 3], [1, 2, 3, 4, 5], [1, 2, 0, 4], [1, 2, "x", 4], [1, 2, 3.0, 4], 7, "people"]
)
def test_a_crop_is_four_whole_numbers_or_a_person(config, crop):
    config["sequences"]["walk"]["crop"] = crop
    (line,) = problems(config)
    assert line.startswith("sequences.walk.crop")


@pytest.mark.parametrize(
    ("given", "crop"),
    [
        ([0, 0, 10, 20], [0, 0, 10, 20]),
        # As the command line gives them.
        (["0", "0", "10", "20"], [0, 0, 10, 20]),
        ("null", None),
        (None, None),
        ("person", "person"),
    ],
)
def test_a_crop_that_is_right_is_kept(config, given, crop):
    config["sequences"]["walk"]["crop"] = given
    assert complete(config)["sequences"]["walk"]["crop"] == crop
    assert complete(config | {"crop": given})["crop"] == crop


@pytest.mark.parametrize(
    ("common", "own", "changes"),
    [
        ({"step": 6, "first": 0}, {"count": 9}, {"step": 6, "first": 0, "count": 9}),
        ({"step": 6}, {"rate": 10}, {"step": None, "rate": 10}),
        ({"rate": 10}, {"step": 2, "rate": None}, {"step": 2}),
        ({"rate": 10}, {"step": 2}, {"step": 2}),
        (
            {"rate": 10},
            {"start": 2.5, "end": "7"},
            {"step": None, "rate": 10, "start": 2.5, "end": 7},
        ),
        ({"max_side": 320}, {"width": 224}, {"width": 224}),
        ({"width": 224}, {"width": None}, {}),
        ({"rate": "null", "step": "3"}, {"first": 1}, {"step": 3}),
        ({"step": 6}, {}, {"step": 6}),
    ],
)
def test_what_a_sequence_says_of_its_frames_comes_first(config, common, own, changes):
    defaults = complete(config)["frames"]
    config["frames"] = common
    config["sequences"]["walk"]["frames"] = own
    full = complete(config)
    assert full["sequences"]["walk"]["frames"] == defaults | changes
    assert complete(full) == full


@pytest.mark.parametrize("frames", [{"step": 3, "rate": 10}, {"width": 224, "max_side": 320}])
def test_two_keys_that_say_the_same_otherwise_are_refused(config, frames):
    one, other = frames
    both = f"{{{one}: {frames[one]}, {other}: null}}"
    expected = f"frames.{one}: {other} is set, too; set one of them to null: frames={both}"
    assert problems(config | {"frames": frames}) == [expected]
    config["sequences"]["walk"]["frames"] = frames
    assert problems(config) == [f"sequences.walk.{expected}"]


@pytest.mark.parametrize("name", [".hidden", "-x", "a/b", "mean", "", " a"])
def test_names_that_cannot_be_folders_or_rows_are_refused(config, name):
    (line,) = problems(config | {"sequences": {name: SEQUENCE}})
    assert line.startswith(f"sequences.{name}: {name!r} ")


@pytest.mark.parametrize("name", [".hidden", "-x", "a/b", "table.csv", "", " a"])
def test_datasets_that_cannot_be_folders_are_refused(config, name):
    (line,) = problems(config | {"dataset": name})
    assert line.startswith("dataset: ")


def test_names_as_human36m_has_them_are_allowed(config):
    config["sequences"] = {"S9_Walking 1.60457274": SEQUENCE}
    assert list(complete(config)["sequences"]) == ["S9_Walking 1.60457274"]


@pytest.mark.parametrize("section", ["frames", "pose", "flow", "sequences"])
def test_an_empty_section_is_named(config, section):
    """`frames:` with nothing under it is null in YAML."""
    (line,) = problems(config | {section: None})
    assert line.startswith(f"{section}: None is not of type 'object'")


def test_all_errors_are_told_also_of_names_that_are_numbers(config):
    config["sequences"] = {1: {}, "walk": {}}
    lines = problems(config)
    assert any(line.startswith("sequences.1: 1 is not of type 'string'") for line in lines)
    assert "sequences.1.video: this key must be set" in lines
    assert "sequences.walk.video: this key must be set" in lines


SOURCES = "video, videos, sequences, human36m"


@pytest.mark.parametrize("others", [{"human36m": {}}, {"video": "a.mp4"}, {"videos": "clips"}])
def test_only_one_thing_says_what_to_work_on(config, others):
    (other,) = others
    both = "sequences and human36m" if other == "human36m" else f"{other} and sequences"
    assert problems(config | others) == [f"{both}: only one of {SOURCES} may be set"]
    del config["sequences"]
    assert problems(config) == [
        f"config: one of {SOURCES} must be set (for example: --config video=my.mp4)"
    ]


def test_numbers_from_the_command_line(config):
    """Inside a JSON object, snakemake leaves them as text."""
    config["flow"] |= {"passes": "3", "learning_rate": "1e-4"}
    flow = complete(config)["flow"]
    assert (flow["passes"], flow["learning_rate"]) == (3, 1e-4)
    config["flow"]["passes"] = "three"
    assert problems(config)[0].startswith("flow.passes: 'three' is not of type 'integer'")


def test_exports_are_those_that_are_documented(config):
    assert complete(config)["exports"] == []
    assert complete(config | {"exports": EXPORTS})["exports"] == EXPORTS
    config["exports"] = ["pose.fbx"]
    (line,) = problems(config)
    assert line.startswith("exports.0: 'pose.fbx' is not one of ['pose.npz', ")
    text = (Path(__file__).parents[2] / "docs" / "exports.md").read_text()
    for name in EXPORTS:
        assert f"| `{name}" in text or f", `{name}" in text, name
