"""Rule summary: mean scores of a data set in every cycle, with intervals, for papers."""

from jobs import job
from flowpose.evaluation.ablation_table import VariantScores, collect_ablation
from flowpose.evaluation.ablation_text import write_ablation
from flowpose.evaluation.sequence_scores import ScoreFiles

with job(snakemake):
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    scores = ScoreFiles.of_sequences(params.sequences, inputs.poses, inputs.flows)
    cycles = [
        VariantScores(
            name=f"cycle {k}",
            compared_with="cycle 0" if k else None,
            cycle=k,
            files={name: ScoreFiles(of.poses, [of.flows[k]]) for name, of in scores.items()},
        )
        for k in range(params.cycles + 1)
    ]
    table = collect_ablation(cycles, allow_missing=params.allow_missing)
    files = (output.csv, output.md, output.tex)
    write_ablation(table, params.dataset, *files, config=params.config, title="Summary")
