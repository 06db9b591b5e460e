"""Rule frames: decode the frames that are used."""

from functools import partial
from importlib import import_module

from jobs import brought, job, progress
from flowpose.video.frames_file import extract_frames

with job(snakemake) as provenance:
    params, crop = snakemake.params, snakemake.params.crop
    if crop == "person":
        # By name, so that frames whose crop is given do not depend on this code.
        finder, reader = map(import_module, params.crop_modules)
        detections = reader.read_detections(**brought(snakemake, params.keypoints))
        crop = partial(finder.person_crop, detections)
    extract_frames(
        snakemake.output[0],
        brought(snakemake, params.video),
        provenance,
        **params.used,
        crop=crop,
        fps=params.fps,
        jpeg=params.jpeg,
        progress=progress(snakemake, "frame"),
    )
