"""Rule ablation_figure: the table of an ablation as a picture."""

from jobs import job
from flowpose.pictures.ablation_figure import draw_ablation, read_ablation

with job(snakemake):
    draw_ablation(
        read_ablation(snakemake.input[0]),
        snakemake.output.png,
        snakemake.output.pdf,
        title=snakemake.params.dataset,
    )
