"""Rule take_member: one file out of a download."""

from pathlib import Path

from flowpose.download.members import take_member
from jobs import job

with job(snakemake):
    take_member(
        Path(snakemake.output[0]),
        Path(snakemake.input[0]).parent,
        snakemake.params.member,
    )
