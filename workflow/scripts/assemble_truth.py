"""Rule truth: where the joints were, as a data set's labels say, whatever their kind."""

import logging
from importlib import import_module

from jobs import brought, job
from flowpose.pose.labels import assemble_truth
from flowpose.pose.truth_file import write_truth
from flowpose.video.frames_file import read_header

with job(snakemake) as provenance:
    params = snakemake.params
    # By name, so that a sequence depends on the code of its own kind of truth only.
    labels = import_module(params.reader).read_labels(**brought(snakemake, params.truth))
    for remark in labels.remarks:
        logging.info(remark)
    header = read_header(snakemake.input.frames)
    write_truth(snakemake.output[0], assemble_truth(labels, header), provenance)
