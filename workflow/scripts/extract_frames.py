"""Rule frames: decode the frames that are used."""

from jobs import job, progress
from flowpose.video.frames_file import extract_frames

with job(snakemake) as provenance:
    params = snakemake.params
    extract_frames(
        snakemake.output[0],
        params.video,
        provenance,
        **params.used,
        crop=params.crop,
        jpeg=params.jpeg,
        progress=progress(snakemake, "frame"),
    )
