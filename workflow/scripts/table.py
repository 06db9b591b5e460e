"""Rule table: mean errors of every sequence and cycle."""

from flowpose.table import collect, write
from jobs import job

with job(snakemake):
    params = snakemake.params
    metrics = dict(zip(params.sequences, snakemake.input, strict=True))
    table = collect(params.dataset, metrics, allow_missing=params.allow_missing)
    write(table, snakemake.output.csv, snakemake.output.md)
