"""Rule overlay: the video of a sequence with what the method made of it."""

from jobs import brought, job, progress
from flowpose.pictures.overlay import write_overlay

with job(snakemake) as provenance:
    inputs, params = snakemake.input, snakemake.params
    write_overlay(
        snakemake.output[0],
        brought(snakemake, params.video),
        inputs.poses,
        inputs.truth,
        inputs.flows,
        title=snakemake.wildcards.sequence,
        cycles=params.cycles,
        fps=params.fps,
        threads=provenance.threads,
        progress=progress(snakemake, "frame"),
    )
