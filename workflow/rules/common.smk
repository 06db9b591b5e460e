import re
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir) / "workflow" / "scripts"))

from code_digest import code_digest
from configuration import ConfigError, complete

try:
    # In place: scripts see this object too.
    config.update(complete(config))
except ConfigError as error:
    raise WorkflowError(
        f"The config is not right:\n{error}\nEvery key: config/README.md"
    )

DATASET = config["dataset"]
SEQUENCES = config["sequences"]
CYCLES = config["cycles"]
REFERENCE = config["mode"] == "reference"
DOWNLOADS = "resources/downloads"
RESULTS = f"results/{DATASET}/{{sequence}}"
LOGS = f"{RESULTS}/logs"
ENVIRONMENT = "../../envs/flowpose.yaml"

# A flow job takes a GPU unless it cannot: told so, or nothing on this machine looks like one. On a
# cluster this machine says nothing of those that compute: there the profile sets the resource.
FLOW_GPUS = int(
    config["device"] == "cuda"
    or (config["device"] == "auto" and shutil.which("nvidia-smi") is not None)
)


wildcard_constraints:
    sequence="|".join(map(re.escape, SEQUENCES)),
    cycle=r"[1-9]\d*",
    package="|".join(map(re.escape, config["downloads"])) or "none",


def of_sequence(*keys):
    """An input or parameter function: what the config says of the sequence."""

    def value(wildcards):
        item = SEQUENCES[wildcards.sequence]
        for key in keys:
            item = item[key]
        return item

    return value


def existing(path, output):
    """An input the config names, if it is there, or is made by the workflow, or once was there.

    A missing file is left to the rule's script to report: as an input of Snakemake's it would stop
    all sequences, not just its own. If what was made from it is there, Snakemake keeps that.
    """
    made = Path(path).is_relative_to(DOWNLOADS)
    return path if made or Path(path).exists() or Path(output).exists() else []


def file_of_sequence(*keys, output):
    """An input function: a file that the config names for the sequence, to make `output` from."""
    return lambda wildcards: existing(
        of_sequence(*keys)(wildcards),
        f"{RESULTS}/{output}".format(sequence=wildcards.sequence),
    )


def weights_given(output):
    """An input function: the RAFT that the config names, to make `output` from."""
    return lambda wildcards: existing(
        config["flow"]["weights"],
        f"{RESULTS}/{output}".format(sequence=wildcards.sequence),
    )


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
