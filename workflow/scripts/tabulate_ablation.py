"""Rule ablation_table: what each variant of an ablation gives, and its difference to another."""

from jobs import job
from flowpose.evaluation.ablation_table import VariantScores, collect_ablation
from flowpose.evaluation.ablation_text import write_ablation
from flowpose.evaluation.sequence_scores import ScoreFiles

with job(snakemake):
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    # All sequences of a row, then those of the next one.
    files = iter([ScoreFiles(*pair) for pair in zip(inputs.poses, zip(inputs.flows), strict=True)])
    variants = [
        VariantScores(**row, files={sequence: next(files) for sequence in params.sequences})
        for row in params.rows
    ]
    table = collect_ablation(variants, allow_missing=params.allow_missing)
    files = (output.csv, output.md, output.tex)
    write_ablation(table, params.dataset, *files, config=params.config)
