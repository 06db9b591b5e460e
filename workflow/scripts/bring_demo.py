"""Rule bring_demo: a file that comes with the workflow, to where that runs."""

import shutil

from jobs import job
from flowpose.storage.whole_files import replacing

with job(snakemake), replacing(snakemake.output[0]) as temporary:
    shutil.copyfile(snakemake.input[0], temporary)
