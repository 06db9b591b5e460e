"""Rule by_action_figure: Human3.6M's table by action as a picture."""

from jobs import job
from flowpose.pictures.action_bars import draw_by_action, read_by_action

with job(snakemake):
    output = snakemake.output
    table = read_by_action(snakemake.input[0])
    draw_by_action(table, output.png, output.pdf, title=snakemake.params.dataset)
