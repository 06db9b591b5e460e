"""Rule flow_scores: how far a cycle's flow is from the true motion, and from its pose's."""

from jobs import job
from flowpose.evaluation.flow_scores import write_flow_scores
from flowpose.pose.pose_file import read_pose
from flowpose.pose.truth_file import read_truth

with job(snakemake) as provenance:
    write_flow_scores(
        snakemake.output[0],
        snakemake.input.flow,
        read_truth(snakemake.input.truth),
        read_pose(snakemake.input.pose),
        next(iter(snakemake.input.true_flow), None),
        provenance,
        reference=snakemake.params.reference,
    )
