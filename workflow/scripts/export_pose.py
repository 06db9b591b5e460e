"""Rule pose_export: the pose before and after the method in a format of other tools."""

from importlib import import_module

from jobs import job
from flowpose.exports.exported_pose import read_exported_pose

with job(snakemake):
    pose = read_exported_pose(snakemake.input.before, snakemake.input.after)
    # By name, so that a file depends on the code of its own format only.
    import_module(snakemake.params.writer).write(snakemake.output[0], pose)
