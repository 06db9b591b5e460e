"""Rule moment: what pictures of a sequence show of its frames, poses and flows."""

from jobs import job
from flowpose.pictures.moment import pair_to_show, take_moment
from flowpose.pictures.moment_file import write_moment
from flowpose.pose.truth_file import read_truth

with job(snakemake) as provenance:
    inputs = snakemake.input
    moment = take_moment(
        pair_to_show(*inputs.flow_scores),
        inputs.frames,
        read_truth(inputs.truth),
        inputs.flows,
        inputs.poses,
        next(iter(inputs.true_flow), None),
    )
    write_moment(snakemake.output[0], moment, provenance)
