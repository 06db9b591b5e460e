"""Rule mediapipe_environment: MediaPipe, in an environment of its own."""

from pathlib import Path

from jobs import job
from flowpose.download.environment import make_environment
from flowpose.storage.whole_files import replacing

with job(snakemake):
    installed = make_environment(
        Path(snakemake.output[0]).parent,
        Path(snakemake.input[0]),
        pythons=snakemake.params.pythons,
        module=snakemake.params.module,
        remedy=snakemake.params.remedy,
    )
    with replacing(snakemake.output[0]) as temporary:
        temporary.write_text(installed)
