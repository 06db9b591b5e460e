"""Rule take_folder: all files in a folder of a download."""

from pathlib import Path

from jobs import job
from flowpose.download.members import take_folder

with job(snakemake):
    take_folder(
        Path(snakemake.output[0]),
        Path(snakemake.input[0]).parent,
        snakemake.params.folder,
    )
