"""Rule labels: the labels of Human3.6M, from the data set as it comes."""

import logging
import sys

from jobs import job
from flowpose.datasets.human36m.label_files import (
    SKELETONS,
    labelled,
    write_labels_2d,
    write_labels_3d,
)
from flowpose.datasets.human36m.raw_files import ACTIONS_OF_A_SUBJECT, read_raw
from flowpose.errors import InputError


def complain(error: InputError) -> None:
    """Say it, and leave the action out: the others go on, and its sequence will lack labels."""
    logging.error(str(error))
    print(f"\nlabels: {error}\n", file=sys.stderr)


with job(snakemake):
    raw = {
        subject: read_raw(path, subject, on_bad_file=complain)
        for subject, path in snakemake.params.raw.items()
    }
    for subject, actions in raw.items():
        logging.info(
            "%s: %d of %d actions: %s",
            *(subject, len(actions), ACTIONS_OF_A_SUBJECT, ", ".join(sorted(actions))),
        )
    positions = labelled(raw)
    write_labels_3d(snakemake.output.labels_3d, positions)
    skeleton = SKELETONS[snakemake.params.joints_2d]
    write_labels_2d(snakemake.output.labels_2d, positions, skeleton)
