"""Rule small_frames: the frames as a page shows them."""

from jobs import job, progress
from flowpose.pictures.small_frames import write_small_frames

with job(snakemake) as provenance:
    write_small_frames(
        snakemake.output[0],
        snakemake.input.frames,
        provenance,
        progress(snakemake, "frame"),
    )
