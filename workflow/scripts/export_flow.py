"""Rule flow_export: the flow after the method in a format of other tools."""

from importlib import import_module

from jobs import job, progress
from flowpose.exports.flow_folder import write_flow_folder
from flowpose.flow.field_file import open_flows
from flowpose.video.frames_file import read_header

with job(snakemake), open_flows(snakemake.input.flow) as flows:
    # By name, so that a file depends on the code of its own format only.
    writer = import_module(snakemake.params.writer)
    write_flow_folder(
        snakemake.output[0],
        flows,
        read_header(snakemake.input.pose).index,
        writer.SUFFIX,
        writer.encode,
        progress=progress(snakemake, "pair"),
    )
