"""Rule moment: what a picture of a sequence shows of its frames, poses and flows."""

from jobs import job
from flowpose.pictures.moment import pair_to_show, take_moment
from flowpose.pictures.moment_file import write_moment
from flowpose.pose.pose_file import read_pose
from flowpose.pose.truth_file import read_truth

with job(snakemake) as provenance:
    inputs = snakemake.input
    moment = take_moment(
        pair_to_show(*inputs.flow_scores),
        inputs.frames,
        read_truth(inputs.truth),
        inputs.flows,
        [read_pose(path) for path in inputs.poses],
    )
    write_moment(snakemake.output[0], moment, provenance)
