"""Rule all_tables: the tables of all data sets in one."""

from flowpose.evaluation.sequence_table import join, write
from jobs import job

with job(snakemake):
    write(join(snakemake.input), snakemake.output.csv, snakemake.output.md)
