"""Rule take_folder: all files in a folder of a download."""

from pathlib import Path

from flowpose.download.members import take_folder
from jobs import job

with job(snakemake):
    take_folder(
        Path(snakemake.output[0]),
        Path(snakemake.input[0]).parent,
        snakemake.params.folder,
    )
