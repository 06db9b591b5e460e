"""Rule metrics: errors of every cycle's flow and pose."""

from flowpose.evaluation.scores import write_metrics
from flowpose.pose.pose_file import read_pose
from flowpose.pose.truth_file import read_truth
from jobs import job

with job(snakemake) as provenance:
    write_metrics(
        snakemake.output[0],
        [read_pose(path) for path in snakemake.input.poses],
        snakemake.input.flows,
        read_truth(snakemake.input.truth),
        provenance,
        reference=snakemake.params.reference,
    )
