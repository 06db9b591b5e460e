"""Rule flow_fused: RAFT's flow with the motion of a pose drawn over it; nothing is trained."""

from jobs import job, progress
from flowpose.adaptation.fusing import fused_flows
from flowpose.adaptation.target import pose_target
from flowpose.flow.field_file import open_flows
from flowpose.flow.field_writing import write_flows
from flowpose.pose.pose_file import read_pose

with job(snakemake) as provenance:
    pose, params = read_pose(snakemake.input.pose), snakemake.params
    with open_flows(snakemake.input.flow) as flows:
        size = flows[0].shape[:2]
        target = pose_target(pose, size, shape=params.target, at=params.target_at, **params.block)
        write_flows(
            snakemake.output[0],
            progress(snakemake, "pair", len(flows))(fused_flows(flows, target.drawing)),
            (len(flows), *size),
            provenance,
            lossless=False,
            precision=flows.precision,
            device=flows.device,
        )
