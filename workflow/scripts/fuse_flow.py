"""Rule flow_fused: RAFT's flow with the motion of a pose drawn over it; nothing is trained."""

from jobs import job, progress
from flowpose.adaptation.fusing import fused_flows
from flowpose.adaptation.target import block_radius
from flowpose.flow.field_file import open_flows
from flowpose.flow.field_writing import write_flows
from flowpose.pose.pose_file import read_pose

with job(snakemake) as provenance:
    joints = read_pose(snakemake.input.pose).project()
    radius = block_radius(joints, **snakemake.params.block)
    with open_flows(snakemake.input.flow) as flows:
        write_flows(
            snakemake.output[0],
            progress(snakemake, "pair", len(flows))(fused_flows(flows, joints, radius=radius)),
            (len(flows), *flows[0].shape[:2]),
            provenance,
            lossless=False,
            precision=flows.precision,
            device=flows.device,
            block_radius=radius,
        )
