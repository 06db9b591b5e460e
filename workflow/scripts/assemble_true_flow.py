"""Rule true_flow: where every pixel of the frames that are used goes, as a data set's files say."""

from importlib import import_module

from jobs import brought, job
from flowpose.flow.true_flow_file import TrueField, write_true_flow
from flowpose.video.frames_file import read_header

with job(snakemake) as provenance:
    params = snakemake.params
    files = import_module(params.reader).read_true_flow(**brought(snakemake, params.true_flow))
    header = read_header(snakemake.input.frames)
    width, height = header.view.size
    write_true_flow(
        snakemake.output[0],
        (TrueField(flow, person) for flow, person in files.of_pairs(header)),
        (len(header.index) - 1, height, width),
        provenance,
        with_person=files.persons is not None,
    )
