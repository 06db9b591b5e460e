"""Rule take_member: one file out of a download."""

from pathlib import Path

from jobs import job
from flowpose.download.members import take_member

with job(snakemake):
    take_member(
        Path(snakemake.output[0]),
        Path(snakemake.input[0]).parent,
        snakemake.params.member,
    )
