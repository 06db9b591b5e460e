"""Rule all_tables: the tables of all data sets in one."""

from jobs import job
from flowpose.evaluation.sequence_table import join, write

with job(snakemake):
    write(join(snakemake.input), snakemake.output.csv, snakemake.output.md)
