import re
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir) / "workflow" / "scripts"))

from code_digest import code_digest
from configuration import ConfigError, complete
from flowpose.download.manifest import FOLDER_MANIFEST
from flowpose.errors import InputError
from formats import FORMATS
from folder_inputs import files_in, names_digest
from human36m_sequences import human36m_sequences, raw_files

try:
    # In place: scripts see this object too.
    config.update(complete(config))
except ConfigError as error:
    raise WorkflowError(
        f"The config is not right:\n{error}\nEvery key: config/README.md"
    )

DATASET = config["dataset"]
CYCLES = config["cycles"]
REFERENCE = config["mode"] == "reference"
# The paper refines a pose against the flow of the same cycle, and none in the last; by default a cycle
# begins with its pose, so that the flow learns toward the better one.
LAST_POSE = CYCLES - 1 if REFERENCE else CYCLES
DOWNLOADS = "resources/downloads"
FOLDER = config["results"]
RESULTS = f"{FOLDER}/{DATASET}/{{sequence}}"
LOGS = f"{RESULTS}/logs"
LABELS = f"{FOLDER}/{DATASET}/labels"
FLOW_WEIGHTS = config["flow"]["weights"]
ENVIRONMENT = "../../envs/flowpose.yaml"

# Either the config names sequences, or says where Human3.6M lies, of which some have no labels.
SEQUENCES, LEFT_OUT = config["sequences"], {}
if config["human36m"]:
    try:
        SEQUENCES, LEFT_OUT = human36m_sequences(config["human36m"], labels=LABELS)
    except InputError as error:
        raise WorkflowError(error)

# A flow job takes a GPU unless it cannot: told so, or nothing on this machine looks like one. On a
# cluster this machine says nothing of those that compute: there the profile sets the resource.
FLOW_GPUS = int(
    config["device"] == "cuda"
    or (config["device"] == "auto" and shutil.which("nvidia-smi") is not None)
)


wildcard_constraints:
    sequence="|".join(map(re.escape, SEQUENCES)) or "none",
    cycle=r"[1-9]\d*",
    package="|".join(map(re.escape, config["downloads"])) or "none",


def of_sequence(key):
    """A parameter function: what the config says of the sequence."""
    return lambda wildcards: SEQUENCES[wildcards.sequence][key]


def kept(kind, path):
    """An output that stays, or goes once all that is made from it is there: as the config says."""
    return path if config["keep"][kind] else temp(path)


def is_made(path):
    """Whether the workflow makes or fetches what the config names."""
    return Path(path).is_relative_to(DOWNLOADS) or Path(path).is_relative_to(LABELS)


def given_file(path, wildcards, *made):
    """A file of the config, if it is an input that `made`, of the sequence, can be made from.

    A missing one is left to the rule's script to report: as an input of Snakemake's it would stop
    all sequences, not just its own. If all that was made from it is there, Snakemake keeps that.
    """
    outputs = (Path(output.format(sequence=wildcards.sequence)) for output in made)
    there = (
        is_made(path) or Path(path).exists() or all(file.exists() for file in outputs)
    )
    return path if there else []


def part_of(sequence, part):
    """What the config says of a sequence's pose, keypoints or truth, and their format."""
    item = SEQUENCES[sequence]
    given = item["truth"] if part == "truth" else item["estimates"][part]
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

    A folder that is gone has those that the first of `made` was made from.
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
                else files_in(folder, output, (found.pattern,))
            )
        ]

    return paths


def listing_of(parts, *made):
    """A parameter function: changes where a file comes into or goes from a part's folders."""
    return lambda wildcards: names_digest(in_folders(parts, *made)(wildcards))


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
    if Path(f"{folder}/flow_0.h5").exists():
        return []
    return [f"{folder}/{stage}.h5" for stage in ("truth", "keypoints", "pose_0")]


def of_cycle_before(name):
    """An input function: a file of the sequence in the cycle before."""
    return lambda wildcards: f"{RESULTS}/{name}".format(
        sequence=wildcards.sequence, cycle=int(wildcards.cycle) - 1
    )


def weights_before(wildcards):
    """An input function: the RAFT that a cycle's finetuning starts from."""
    if wildcards.cycle == "1":
        return given_file(FLOW_WEIGHTS, wildcards, f"{RESULTS}/flow_1.h5")
    return of_cycle_before("flow_{cycle}.pt")(wildcards)


def named_downloads():
    """All that the config names of downloads: files, and of folders their manifests."""
    named = [FLOW_WEIGHTS]
    for sequence, item in SEQUENCES.items():
        named.append(item["video"])
        for given, found in (part_of(sequence, part) for part in FORMATS):
            named += found.paths(given, "file")
            folders = found.paths(given, "folder")
            named += [f"{folder}/{FOLDER_MANIFEST}" for folder in folders]
    return [
        path for path in dict.fromkeys(named) if Path(path).is_relative_to(DOWNLOADS)
    ]
