"""Rule pose_refined: refine the estimated pose against a cycle's flow."""

import torch

from flowpose.devices import prepare
from flowpose.flow_file import open_flows
from flowpose.keypoints import read_keypoints
from flowpose.pose import read_pose, write_pose
from flowpose.refine import PoseOptions, PoseWeights, refine_pose
from jobs import job, progress

with job(snakemake) as provenance:
    params = snakemake.params
    prepare(snakemake.threads)
    keypoints = read_keypoints(snakemake.input.keypoints)
    with open_flows(snakemake.input.flow) as flows:
        flow = torch.as_tensor(flows.stacked())
    refined = refine_pose(
        read_pose(snakemake.input.pose),
        keypoints.joints_2d,
        keypoints.weights(params.min_confidence),
        flow,
        options=PoseOptions(
            weights=PoseWeights(**params.weights),
            steps=params.steps,
            learning_rate=params.learning_rate,
            stop_decimals=params.stop_decimals,
            stop_patience=params.stop_patience,
        ),
        reference=params.reference,
        progress=progress(snakemake, "step")(range(params.steps)),
    )
    write_pose(snakemake.output[0], refined.pose, provenance, refined.loss)
