import re
import shutil
import sys
from copy import deepcopy
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir) / "workflow" / "scripts"))

from ablation import ablation
from code_digest import code_digest
from configuration import DOWNLOADS, EXPORTS, ConfigError
from flowpose.download.manifest import FOLDER_MANIFEST
from flowpose.errors import InputError
from flowpose.video.image_folder import is_picture
from formats import FORMATS
from given_inputs import files_in, is_file, is_input, names_digest
from human36m_sequences import human36m_sequences, raw_files
from shared_cache import separate_by_software
from sharing import (
    Sharing,
    flow_of,
    is_reference,
    last_pose,
    made_from,
    settings,
    stage_of,
)
from video_sequences import SOURCES

# Those who name videos are told at the end what came out.
OWN_VIDEOS = any(isinstance(config.get(key), str) for key in SOURCES[:3])
try:
    CONFIGS, ROWS = ablation(deepcopy(config))
    # In place: scripts see this object too.
    config.update(CONFIGS[""])
except ConfigError as error:
    raise WorkflowError(
        f"The config is not right:\n{error}\nEvery key: config/README.md"
    )

DATASET = config["dataset"]
CYCLES = config["cycles"]
FOLDER = config["results"]
RESULTS = f"{FOLDER}/{DATASET}/{{sequence}}"
LOGS = f"{RESULTS}/logs"
LABELS = f"{FOLDER}/{DATASET}/labels"
TABLES = f"{FOLDER}/{DATASET}"
ENVIRONMENT = "../../envs/flowpose.yaml"
# What the workflow estimates itself where a sequence has no estimates, and by what.
LANDMARKS = f"{RESULTS}/landmarks.h5"
ENVIRONMENTS = "resources/environments"
MEDIAPIPE = f"{ENVIRONMENTS}/mediapipe/installed.txt"

# Either the config names sequences, or says where Human3.6M lies, of which some have no labels.
SEQUENCES, LEFT_OUT = config["sequences"], {}
if config["human36m"]:
    try:
        SEQUENCES, LEFT_OUT = human36m_sequences(config["human36m"], labels=LABELS)
    except InputError as error:
        raise WorkflowError(error)

# What the wildcard `sequence` may be: a sequence of the config, or one of a variant of it in an
# ablation, `<the variant's folder>/<sequence>`. A variant makes only what no variant before it makes
# alike; the config itself is the first.
SHARING = Sharing(CONFIGS)
# Where nothing is shared, a pattern says which file an input is, as it is of the sequence itself, and a
# parameter is the same for all sequences: Snakemake takes several times as long to ask a function.
PLAIN = SHARING.is_none()

# A flow job takes a GPU unless it cannot: told so, or nothing on this machine looks like one. On a
# cluster this machine says nothing of those that compute: there the profile sets the resource.
FLOW_GPUS = int(
    config["device"] == "cuda"
    or (config["device"] == "auto" and shutil.which("nvidia-smi") is not None)
)

# With allow_missing, a stage's file may say only why it could not be made: none is shared then.
SHARED = not config["allow_missing"]
if workflow.workflow_settings.cache is not None:
    separate_by_software()


ESTIMATED = {LANDMARKS.format(sequence=sequence) for sequence in SEQUENCES}


def in_variant(variant, sequence):
    """What the wildcard `sequence` is for a sequence in a variant of the config."""
    return f"{variant}/{sequence}" if variant else sequence


def config_of(sequence):
    """The config of the variant that a sequence is of; refuses what is none."""
    item_of(sequence)
    return CONFIGS[sequence.rpartition("/")[0]]


def item_of(sequence):
    """What the config says of a sequence, in all variants alike."""
    name = sequence.rpartition("/")[2]
    if name not in SEQUENCES:
        raise WorkflowError(
            f"{DATASET} has no sequence {name!r} (name it in the config's sequences)"
        )
    return SEQUENCES[name]


@cache
def parts_of(sequence):
    """Of each part that a sequence has what the config says of it, and its format."""
    item = item_of(sequence)
    parts = {**item, **item["estimates"]}
    return {
        part: (parts[part], FORMATS[part][parts[part]["format"]])
        for part in FORMATS
        if part in parts
    }


def named_by(sequence):
    """All that the config names for a sequence: key, path, and the stage that is made from it."""
    item = item_of(sequence)
    yield "video", item["video"], "frames"
    for part, (given, found) in parts_of(sequence).items():
        key = part if part in item else f"estimates.{part}"
        stage = "pose_0" if part == "pose" else part
        for path in found.paths(given, "file") + found.paths(given, "folder"):
            yield key, path, stage


def elsewhere():
    """Names of other configs' sequences that have files in this data set's folder which are given here."""
    given = {path for name in SEQUENCES for _, path, _ in named_by(name)}
    given |= {variant["flow"]["weights"] for variant in CONFIGS.values()}
    folders = "|".join(re.escape(f"{variant}/") for variant in CONFIGS if variant)
    place = re.compile(rf"{re.escape(TABLES)}/(?:{folders})?([^/]+)/")
    return {found[1] for found in map(place.match, given) if found} - SEQUENCES.keys()


SEQUENCES_ELSEWHERE = elsewhere()


def sequences_pattern(variants):
    """What the wildcard `sequence` may be in some variants, as a constraint.

    Not a list of the sequences: Snakemake goes through the pattern for every file of every job. What it
    takes for a sequence and is none, `item_of` refuses.
    """
    if not SEQUENCES or not variants:
        return "(?!)"
    folders = "|".join(
        re.escape(f"{variant}/") if variant else "" for variant in variants
    )
    elsewhere = "|".join(map(re.escape, sorted(SEQUENCES_ELSEWHERE)))
    return f"(?:{folders})(?!(?:{elsewhere})/)[^/]+"


def adapted_by(way):
    """The wildcard `sequence` in those variants whose flow is adapted in a way."""
    return sequences_pattern(
        [name for name in CONFIGS if flow_of(CONFIGS[name])["adaptation"] == way]
    )


wildcard_constraints:
    sequence=sequences_pattern(CONFIGS),
    cycle=r"[1-9]\d*",
    package="|".join(map(re.escape, config["downloads"])) or "none",


def said(key, sequence):
    """What the config says of a sequence, or else of all."""
    item = item_of(sequence)
    return item[key] if key in item else config[key]


def in_all(function):
    """A parameter: what a function gives for all sequences, or a function where that is not the same."""
    # By what Snakemake compares: 25 and 25.0 are not the same.
    values = {repr(value): value for value in map(function, SEQUENCES)}
    if len(values) == 1:
        return next(iter(values.values()))
    return lambda wildcards: function(wildcards.sequence)


def of_sequence(key):
    """A parameter: what the config says of the sequence, or else of all."""
    return in_all(lambda sequence: said(key, sequence))


@cache
def settings_in(rule, variant, name):
    """What the result of a rule depends on in a variant: for a sequence with frames of its own, or for all."""
    own = {"frames": SEQUENCES[name]["frames"]} if name else {}
    return settings(rule, CONFIGS[variant] | own)


def settings_of(rule):
    """Parameters: what the result of a rule depends on in the variant's config.

    Besides, all of it as one, with the owners of the files that it is made from, which move with the
    config: Snakemake compares the set of parameters' values with that of the last run, and sees nothing
    where one takes a value that another has.
    """

    def all_settings(wildcards):
        variant, _, name = wildcards.sequence.rpartition("/")
        own = "frames" in item_of(wildcards.sequence)
        return settings_in(rule, variant, name if own else None)

    own_frames = any("frames" in item for item in SEQUENCES.values())

    def setting(key):
        if len(CONFIGS) == 1 and not (rule == "frames" and own_frames):
            return settings(rule, config)[key]
        return lambda wildcards: all_settings(wildcards)[key]

    def all_and_owners(wildcards):
        variant = wildcards.sequence.rpartition("/")[0]
        stages = made_from(stage_of(rule, **wildcards), CONFIGS[variant])
        owners = [SHARING.owner(variant, stage) for stage in stages]
        return all_settings(wildcards) | {"owners": owners}

    return {key: setting(key) for key in settings(rule, config)} | {
        "settings": all_and_owners
    }


def stage_file(sequence, file):
    """The file that stands for one of a sequence's stages: of the first variant that makes it alike."""
    variant, _, name = sequence.rpartition("/")
    stage, _, suffix = file.rpartition(".")
    owner, stage = SHARING.owner(variant, stage)
    folder = RESULTS.format(sequence=in_variant(owner, name))
    return f"{folder}/{stage}.{suffix}"


def of_stage(file):
    """An input: a file of the sequence, in the wildcard's cycle."""
    if PLAIN:
        return f"{RESULTS}/{file}"
    return lambda wildcards: stage_file(wildcards.sequence, file.format(**wildcards))


def in_cycles(file, cycles):
    """An input: a file of the sequence in those cycles that its config has."""
    if PLAIN:
        return [f"{RESULTS}/{file}".replace("{cycle}", str(k)) for k in cycles(config)]
    return lambda wildcards: [
        stage_file(wildcards.sequence, file.format(cycle=cycle))
        for cycle in cycles(config_of(wildcards.sequence))
    ]


def flow_cycles(config):
    """The cycles that have a flow."""
    return range(config["cycles"] + 1)


def pose_cycles(config):
    """The cycles that have a pose of their own."""
    return range(last_pose(config) + 1)


def ends_of(cycles):
    """Of the cycles of a config the first and the last."""

    def ends(config):
        found = cycles(config)
        return sorted({found[0], found[-1]})

    return ends


def kept(kind, path):
    """An output that stays, or goes once all that is made from it is there: as the config says."""
    return path if config["keep"][kind] else temp(path)


@cache
def is_made(path):
    """Whether the workflow makes or fetches what the config names."""
    folders = (DOWNLOADS, LABELS)
    return path in ESTIMATED or any(map(Path(path).is_relative_to, folders))


def given_file(path, wildcards, *made):
    """A file of the config as an input, if it is one that `made`, of the sequence, come from."""
    outputs = [output.format(sequence=wildcards.sequence) for output in made]
    return path if is_made(path) or is_input(path, outputs) else []


def keys(part, sequence):
    """The keys that the reader of a part of a sequence takes."""
    given, _ = parts_of(sequence).get(part, ({}, None))
    return {key: value for key, value in given.items() if key != "format"}


def keys_of(part):
    """A parameter: the keys that a part's reader takes."""
    return in_all(lambda sequence: keys(part, sequence))


def reader(part, sequence):
    """The module that reads a part of a sequence; none, if it has none."""
    return parts_of(sequence)[part][1].module if part in parts_of(sequence) else None


def reader_of(part):
    """A parameter: the module that reads a part."""
    return in_all(lambda sequence: reader(part, sequence))


def files_of(parts, *made):
    """An input function: all files that parts of the sequence name, to make `made` from."""

    def paths(wildcards):
        files = [
            given_file(path, wildcards, *made)
            for given, found in map(parts_of(wildcards.sequence).get, parts)
            for path in found.paths(given, "file")
        ]
        return list(
            dict.fromkeys([*filter(None, files), *in_folders(parts, *made)(wildcards)])
        )

    return paths


def in_folders(parts, *made):
    """An input function: the files in the folders that parts of the sequence name.

    A folder that is gone has those that the first of `made` was made from.
    """

    def paths(wildcards):
        output = made[0].format(sequence=wildcards.sequence)
        return [
            path
            for given, found in map(parts_of(wildcards.sequence).get, parts)
            for folder in found.paths(given, "folder")
            for path in (
                [f"{folder}/{FOLDER_MANIFEST}"]
                if is_made(folder)
                else files_in(folder, output, (found.pattern,))
            )
        ]

    return paths


def listing_of(parts, *made):
    """A parameter function: changes where a file that parts of the sequence name comes or goes."""
    return lambda wildcards: names_digest(files_of(parts, *made)(wildcards))


def code_with_readers(script, parts):
    """A parameter: the digest of a script and of the readers that the sequence uses."""

    def digest(sequence):
        readers = (reader(part, sequence) for part in parts)
        return code_digest(script, *filter(None, readers))

    return in_all(digest)


def made_before_flows(wildcards):
    """What the first flow waits for, though it does not use it: bad input is to be found early.

    Once there is a flow, it does not, so that a changed truth does not re-run it. (With `ancient`
    inputs, Snakemake overlooks other reasons to run it, where the truth is made again.)
    """
    folder = RESULTS.format(sequence=wildcards.sequence)
    if Path(f"{folder}/flow_0.h5").exists():
        return []
    stages = ("truth.h5", "keypoints.h5", "pose_0.h5")
    files = [stage_file(wildcards.sequence, stage) for stage in stages]
    return [*files, *true_flow_of(wildcards)]


def true_flow_of(wildcards):
    """An input function: the true flow of a sequence, if that is known."""
    known = "true_flow" in parts_of(wildcards.sequence)
    return [stage_file(wildcards.sequence, "true_flow.h5")] if known else []


def video_for(made):
    """An input function: the video of the sequence, or the pictures in its folder, to make a file from.

    Nothing where there is none to read.
    """

    def paths(wildcards):
        video = item_of(wildcards.sequence)["video"]
        if is_made(video) or is_file(video):
            return [video]
        there = files_in(video, made.format(sequence=wildcards.sequence), ("*",))
        pictures = [file for file in there if is_picture(Path(file))]
        return pictures or list(filter(None, [given_file(video, wildcards, made)]))

    return paths


def video_digest(made):
    """A parameter function: changes where the video, or a picture, comes, however old, or goes."""
    return lambda wildcards: names_digest(video_for(made)(wildcards))


def where_cropped_to_person(function):
    """A function of the sequence: nothing where its crop is not found from its keypoints."""
    if not any(said("crop", sequence) == "person" for sequence in SEQUENCES):
        return []
    return lambda wildcards: (
        function(wildcards) if said("crop", wildcards.sequence) == "person" else []
    )


def crop_modules(sequence):
    """What finds the crop of a sequence's person, and what reads the keypoints, if that is its crop."""
    if said("crop", sequence) != "person":
        return []
    return ["flowpose.pose.person_crop", reader("keypoints", sequence)]


def crop_keys(sequence):
    """The keys that this reader takes."""
    return keys("keypoints", sequence) if crop_modules(sequence) else []


def environment_first(wildcards):
    """What the landmarks wait for; once there are some, newer packages re-run nothing, as elsewhere.

    (With an `ancient` input, Snakemake overlooks other reasons to run, where that is made again.)
    """
    return [] if Path(LANDMARKS.format(**wildcards)).exists() else [MEDIAPIPE]


def given_crop(sequence):
    """The crop of a sequence, if it is known before there are keypoints."""
    crop = said("crop", sequence)
    return None if crop == "person" else crop


def tables_there(_):
    """This data set's table, and those that other configs have left in the same results."""
    others = map(str, Path(FOLDER).glob("*/table.csv"))
    return sorted({f"{TABLES}/table.csv", *others})


def of_cycle_before(file):
    """An input function: a file of the sequence in the cycle before."""
    return lambda wildcards: stage_file(
        wildcards.sequence, file.format(cycle=int(wildcards.cycle) - 1)
    )


def pose_for_flow(wildcards):
    """An input function: the pose that a cycle's flow learns toward."""
    before = is_reference(config_of(wildcards.sequence))
    cycle = int(wildcards.cycle) - (1 if before else 0)
    return stage_file(wildcards.sequence, f"pose_{cycle}.h5")


def flow_for_pose(wildcards):
    """An input function: the flow that a cycle's pose is refined against."""
    same = is_reference(config_of(wildcards.sequence))
    cycle = int(wildcards.cycle) - (0 if same else 1)
    return stage_file(wildcards.sequence, f"flow_{cycle}.h5")


def pose_of_cycle(wildcards):
    """An input function: the pose of the sequence in a cycle; the last one, if it has none."""
    cycle = min(int(wildcards.cycle), last_pose(config_of(wildcards.sequence)))
    return stage_file(wildcards.sequence, f"pose_{cycle}.h5")


def last_pose_of(wildcards):
    """An input function: the pose of the sequence after the last refinement."""
    cycle = last_pose(config_of(wildcards.sequence))
    return stage_file(wildcards.sequence, f"pose_{cycle}.h5")


def last_flow_of(wildcards):
    """An input function: the flow of the sequence in the last cycle."""
    cycle = config_of(wildcards.sequence)["cycles"]
    return stage_file(wildcards.sequence, f"flow_{cycle}.h5")


def first_weights(made):
    """An input function: RAFT as loaded, to make a file of the sequence from."""
    return lambda wildcards: given_file(
        config_of(wildcards.sequence)["flow"]["weights"], wildcards, f"{RESULTS}/{made}"
    )


def weights_before(wildcards):
    """An input function: the RAFT that a cycle's finetuning starts from."""
    if wildcards.cycle == "1":
        return first_weights("flow_1.h5")(wildcards)
    return of_cycle_before("flow_{cycle}.pt")(wildcards)


def pose_writer(wildcards):
    """A parameter function: the module that writes an export of poses."""
    return f"flowpose.exports.pose_{wildcards.format.partition('.')[0]}"


def flow_writer(wildcards):
    """A parameter function: the module that writes an export of flows."""
    return f"flowpose.exports.flow_{wildcards.format}"


def named_downloads(_):
    """All that the config names of downloads: files, and of folders their manifests."""
    named = [variant["flow"]["weights"] for variant in CONFIGS.values()]
    for sequence, item in SEQUENCES.items():
        named.append(item["video"])
        for given, found in parts_of(sequence).values():
            named += found.paths(given, "file")
            folders = found.paths(given, "folder")
            named += [f"{folder}/{FOLDER_MANIFEST}" for folder in folders]
    return [
        path for path in dict.fromkeys(named) if Path(path).is_relative_to(DOWNLOADS)
    ]


def named_environments(_):
    """The environments of the estimators that sequences need."""
    named = (path for sequence in SEQUENCES for _, path, _ in named_by(sequence))
    return [] if ESTIMATED.isdisjoint(named) else [MEDIAPIPE]
