import re
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir) / "workflow" / "scripts"))

from code_digest import code_digest
from configuration import ConfigError, complete
from flowpose.errors import InputError
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
DOWNLOADS = "resources/downloads"
FOLDER = config["results"]
RESULTS = f"{FOLDER}/{DATASET}/{{sequence}}"
LOGS = f"{RESULTS}/logs"
LABELS = f"{FOLDER}/{DATASET}/labels"
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


def existing(path, output):
    """An input the config names, if it is there, or is made by the workflow, or once was there.

    A missing file is left to the rule's script to report: as an input of Snakemake's it would stop
    all sequences, not just its own. If what was made from it is there, Snakemake keeps that.
    """
    made = Path(path).is_relative_to(DOWNLOADS) or Path(path).is_relative_to(LABELS)
    return path if made or Path(path).exists() or Path(output).exists() else []


def files_of_sequence(group, *keys, output):
    """An input function: files that the config names for the sequence, to make `output` from."""

    def paths(wildcards):
        item = SEQUENCES[wildcards.sequence]
        item = item[group] if group else item
        made = f"{RESULTS}/{output}".format(sequence=wildcards.sequence)
        return [
            path for key in keys if key in item and (path := existing(item[key], made))
        ]

    return paths


def weights_given(output):
    """An input function: the RAFT that the config names, to make `output` from."""
    return lambda wildcards: existing(
        config["flow"]["weights"],
        f"{RESULTS}/{output}".format(sequence=wildcards.sequence),
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
        return weights_given("flow_1.h5")(wildcards)
    return of_cycle_before("flow_{cycle}.pt")(wildcards)


def named_downloads(value):
    """All files of downloads that the config or a part of it names."""
    if isinstance(value, dict):
        return [path for item in value.values() for path in named_downloads(item)]
    made = isinstance(value, str) and Path(value).is_relative_to(DOWNLOADS)
    return [value] if made else []
