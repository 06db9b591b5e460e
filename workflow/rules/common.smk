import re
import shutil

from ablation import ablation
from code_digest import code_digest
from configuration import EXPORTS, ConfigError
from flowpose.download.manifest import FOLDER_MANIFEST
from flowpose.errors import InputError
from flowpose.video.image_folder import is_picture
from formats import FORMATS
from given_inputs import files_in, is_input, names_digest
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
    CONFIGS, ROWS = ablation(given_config())
except ConfigError as error:
    raise WorkflowError(
        f"The config is not right:\n{error}\nEvery key: config/README.md"
    )
CONFIGS = in_place(CONFIGS) if IS_MODULE else CONFIGS
# Scripts see it, too, and where their inputs are brought to, if they are.
config = CONFIGS[""] | {"local_copies": STORAGE.root if STORAGE else ""}

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
MEDIAPIPE = local(f"{ENVIRONMENTS}/mediapipe/installed.txt")

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
    """The config of the variant that a sequence is of."""
    return CONFIGS[sequence.rpartition("/")[0]]


def item_of(sequence):
    """What the config says of a sequence, in all variants alike."""
    return SEQUENCES[sequence.rpartition("/")[2]]


def sequences_pattern(variants):
    """What the wildcard `sequence` may be in some variants, as a constraint."""
    if not SEQUENCES or not variants:
        return "(?!)"
    folders = "|".join(
        re.escape(f"{variant}/") if variant else "" for variant in variants
    )
    return f"(?:{folders})(?:{'|'.join(map(re.escape, SEQUENCES))})"


def adapted_by(way):
    """The wildcard `sequence` in those variants whose flow is adapted in a way."""
    return sequences_pattern(
        [name for name in CONFIGS if flow_of(CONFIGS[name])["adaptation"] == way]
    )


wildcard_constraints:
    sequence=sequences_pattern(CONFIGS),
    cycle=r"[1-9]\d*",
    package="|".join(map(re.escape, config["downloads"])) or "none",


def of_sequence(key):
    """A parameter function: what the config says of the sequence, or else of all."""
    return lambda wildcards: (config | item_of(wildcards.sequence))[key]


def settings_of(rule):
    """Parameter functions: what the result of a rule depends on in the variant's config.

    Besides, all of it as one, with the owners of the files that it is made from, which move with the
    config: Snakemake compares the set of parameters' values with that of the last run, and sees nothing
    where one takes a value that another has.
    """

    def all_settings(wildcards):
        variant, item = config_of(wildcards.sequence), item_of(wildcards.sequence)
        own = {"frames": item["frames"]} if "frames" in item else {}
        return settings(rule, variant | own)

    def setting(key):
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
    owner, stage = SHARING.owner(variant, Path(file).stem)
    folder = RESULTS.format(sequence=in_variant(owner, name))
    return f"{folder}/{stage}{Path(file).suffix}"


def of_stage(file):
    """An input function: a file of the sequence, in the wildcard's cycle."""
    return lambda wildcards: stage_file(wildcards.sequence, file.format(**wildcards))


def in_cycles(file, cycles):
    """An input function: a file of the sequence in those cycles that its config has."""
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


def is_made(path):
    """Whether the workflow makes or fetches what the config names."""
    folders = (DOWNLOADS, LABELS)
    return (
        path in ESTIMATED
        or path in BROUGHT
        or any(map(Path(path).is_relative_to, folders))
        or is_made_by_others(path)
    )


def is_there(path):
    """Whether a file is there that the workflow makes."""
    return STORAGE.has(path) if STORAGE else Path(path).exists()


def given_file(path, wildcards, *made):
    """A file of the config as an input, if it is one that `made`, of the sequence, come from.

    In a storage it has to be there, and Snakemake says so before anything runs.
    """
    if STORAGE:
        return path
    outputs = [output.format(sequence=wildcards.sequence) for output in made]
    return path if is_made(path) or is_input(path, outputs) else []


def parts_of(sequence):
    """What the config says of each part of a sequence that it has."""
    item = item_of(sequence)
    parts = {**item, **item["estimates"]}
    return {part: parts[part] for part in FORMATS if part in parts}


def part_of(sequence, part):
    """What the config says of a part of a sequence, and its format."""
    given = parts_of(sequence)[part]
    return given, FORMATS[part][given["format"]]


def keys_of(part):
    """A parameter function: the keys that a part's reader takes."""

    def keys(wildcards):
        given, _ = part_of(wildcards.sequence, part)
        return {key: value for key, value in given.items() if key != "format"}

    return keys


def reader_of(part):
    """A parameter function: the module that reads a part."""
    return lambda wildcards: part_of(wildcards.sequence, part)[1].module


def files_of(parts, *made):
    """An input function: all files that parts of the sequence name, to make `made` from."""

    def paths(wildcards):
        files = [
            given_file(path, wildcards, *made)
            for given, found in (part_of(wildcards.sequence, part) for part in parts)
            for path in found.paths(given, "file")
        ]
        return list(
            dict.fromkeys([*filter(None, files), *in_folders(parts, *made)(wildcards)])
        )

    return paths


def in_folders(parts, *made):
    """An input function: the files in the folders that parts of the sequence name.

    A folder that is gone has those that the first of `made` was made from; a storage plugin brings
    folders as a whole.
    """

    def paths(wildcards):
        output = made[0].format(sequence=wildcards.sequence)
        return [
            path
            for given, found in (part_of(wildcards.sequence, part) for part in parts)
            for folder in found.paths(given, "folder")
            for path in (
                [f"{folder}/{FOLDER_MANIFEST}"]
                if is_made(folder)
                else [folder] if STORAGE else files_in(folder, output, (found.pattern,))
            )
        ]

    return paths


def listing_of(parts, *made):
    """A parameter function: changes where a file that parts of the sequence name comes or goes."""
    return lambda wildcards: names_digest(files_of(parts, *made)(wildcards))


def code_with_readers(script, parts):
    """A parameter function: the digest of a script and of the readers that the sequence uses."""
    return lambda wildcards: code_digest(
        script, *(reader_of(part)(wildcards) for part in parts)
    )


def made_before_flows(wildcards):
    """What the first flow waits for, though it does not use it: bad input is to be found early.

    Once there is a flow, it does not, so that a changed truth does not re-run it. (With `ancient`
    inputs, Snakemake overlooks other reasons to run it, where the truth is made again.)
    """
    folder = RESULTS.format(sequence=wildcards.sequence)
    if inputs_count() or is_there(f"{folder}/flow_0.h5"):
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

    Nothing where there is none to read. A storage plugin brings a folder as a whole.
    """

    def paths(wildcards):
        video = of_sequence("video")(wildcards)
        if STORAGE or is_made(video) or Path(video).is_file():
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
    return lambda wildcards: (
        function(wildcards) if of_sequence("crop")(wildcards) == "person" else []
    )


def crop_modules(wildcards):
    """A parameter function: what finds the crop of a person, and what reads the keypoints."""
    return ["flowpose.pose.person_crop", reader_of("keypoints")(wildcards)]


def environment_first(wildcards):
    """What the landmarks wait for; once there are some, newer packages re-run nothing, as elsewhere.

    (With an `ancient` input, Snakemake overlooks other reasons to run, where that is made again.)
    """
    there = is_there(LANDMARKS.format(**wildcards))
    # Without a shared disk it has the landmarks made where it lies itself, on this machine.
    return [] if there and not inputs_count() and not STORAGE else [MEDIAPIPE]


def given_crop(wildcards):
    """A parameter function: the crop of the sequence, if it is known before there are keypoints."""
    crop = of_sequence("crop")(wildcards)
    return None if crop == "person" else crop


def tables_there(_):
    """This data set's table, and those that other configs have left in the same results.

    What else a storage holds cannot be asked: there it is this one alone.
    """
    others = [] if STORAGE else map(str, Path(FOLDER).glob("*/table.csv"))
    return sorted({f"{TABLES}/table.csv", *others})


def of_cycle_before(file):
    """An input function: a file of the sequence in the cycle before."""
    return lambda wildcards: stage_file(
        wildcards.sequence, file.format(cycle=int(wildcards.cycle) - 1)
    )


def pose_for_flow(wildcards):
    """An input function: the pose that a cycle's flow learns toward."""
    before = is_reference(config_of(wildcards.sequence))
    of = of_cycle_before if before else of_stage
    return of("pose_{cycle}.h5")(wildcards)


def flow_for_pose(wildcards):
    """An input function: the flow that a cycle's pose is refined against."""
    same = is_reference(config_of(wildcards.sequence))
    of = of_stage if same else of_cycle_before
    return of("flow_{cycle}.h5")(wildcards)


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


def named_downloads():
    """All that the config names of downloads: files, and of folders their manifests."""
    named = [variant["flow"]["weights"] for variant in CONFIGS.values()]
    for sequence, item in SEQUENCES.items():
        named.append(item["video"])
        for given, found in (part_of(sequence, part) for part in parts_of(sequence)):
            named += found.paths(given, "file")
            folders = found.paths(given, "folder")
            named += [f"{folder}/{FOLDER_MANIFEST}" for folder in folders]
    return [
        path for path in dict.fromkeys(named) if Path(path).is_relative_to(DOWNLOADS)
    ]


def named_environments():
    """The environments of the estimators that sequences need."""
    files = {
        path
        for sequence in SEQUENCES
        for given, found in (part_of(sequence, part) for part in parts_of(sequence))
        for path in found.paths(given, "file")
    }
    return [MEDIAPIPE] if files & ESTIMATED else []
