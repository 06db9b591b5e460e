"""Rule pose_refined: refine the estimated pose against a cycle's flow."""

import logging

from jobs import job, progress
from flowpose.flow.field_file import open_flows
from flowpose.pose.keypoint_file import read_keypoints
from flowpose.pose.pose_file import read_pose, write_pose
from flowpose.refinement.energy import PoseWeights
from flowpose.refinement.refine import PoseOptions, refine_pose

with job(snakemake) as provenance:
    params = snakemake.params
    keypoints = read_keypoints(snakemake.input.keypoints)
    with open_flows(snakemake.input.flow) as flows:
        refined = refine_pose(
            read_pose(snakemake.input.pose),
            keypoints.joints_2d,
            keypoints.weights(params.min_confidence),
            flows,
            options=PoseOptions(
                weights=PoseWeights(**params.weights),
                solver=params.solver,
                steps=params.steps,
                learning_rate=params.learning_rate,
                stop_decimals=params.stop_decimals,
                stop_patience=params.stop_patience,
            ),
            reference=params.reference,
            progress=progress(snakemake, "step"),
        )
    logging.info("energy %.6g to %.6g, %s", refined.loss[0], refined.loss[-1], refined.stop)
    write_pose(snakemake.output[0], refined.pose, provenance, refined.loss)
