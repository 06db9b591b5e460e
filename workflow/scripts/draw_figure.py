"""Rule figure: what the method did to a sequence, in pictures."""

from pathlib import Path

from jobs import job
from flowpose.evaluation.sequence_scores import ScoreFiles, read_sequence_scores
from flowpose.pictures.error_maps import draw_error_maps
from flowpose.pictures.joint_curves import draw_joint_curves
from flowpose.pictures.loss_curves import draw_losses
from flowpose.pictures.moment_file import read_moment
from flowpose.pictures.sequence_figure import draw_figure

with job(snakemake):
    title, output = snakemake.wildcards.sequence, snakemake.output
    # Of each picture a PNG and a PDF.
    files = {Path(path).stem: (png, path) for png, path in zip(output, output.pdf, strict=False)}
    scores = read_sequence_scores(
        ScoreFiles(snakemake.input.pose_scores, snakemake.input.flow_scores)
    )
    moment = read_moment(snakemake.input.moment)
    draw_figure(moment, scores, *files["figure"], title=title)
    draw_joint_curves(scores, *files["joints"], title=title)
    draw_losses(moment.losses, *files["losses"], title=title)
    draw_error_maps(moment, *files["errors"], title=title)
