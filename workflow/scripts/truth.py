"""Rule truth: where the joints were, from several calibrated cameras."""

from flowpose.frames import read_header
from flowpose.multiview import read_multiview, truth
from flowpose.truth import write_truth
from jobs import job

with job(snakemake) as provenance:
    params = snakemake.params
    joints = read_multiview(params.file, params.camera)
    header = read_header(snakemake.input.frames)
    write_truth(snakemake.output[0], truth(joints, header, params.file), provenance)
