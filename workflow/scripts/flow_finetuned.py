"""Rule flow_finetuned: finetune RAFT toward the motion of a pose."""

from pathlib import Path

from flowpose.devices import compute_device, prepare
from flowpose.finetune import FlowOptions, finetune_toward_pose
from flowpose.flow_file import open_flows, write_flows
from flowpose.frames import open_frames
from flowpose.pose import read_pose
from flowpose.raft import estimate_flows, load_raft, save_raft
from flowpose.target import block_radius
from jobs import job, progress

with job(snakemake) as provenance, compute_device(snakemake.config["device"]) as device:
    inputs, params = snakemake.input, snakemake.params
    prepare(snakemake.threads)
    model = load_raft(inputs.weights, params.model).to(device)
    joints = read_pose(inputs.pose).project()
    radius = block_radius(
        joints,
        radius=params.block["radius"],
        person_height=None if params.reference else params.block["person_height"],
    )
    with open_frames(inputs.frames) as frames, open_flows(inputs.flow) as flows:
        n_pairs = len(frames) - 1
        loss = finetune_toward_pose(
            model,
            frames,
            flows,
            joints,
            radius=radius,
            options=FlowOptions(params.updates, params.passes, params.learning_rate),
            reference=params.reference,
            folder=Path(snakemake.output.flow).parent,
            progress=progress(snakemake, "step", n_pairs),
        )
        write_flows(
            snakemake.output.flow,
            progress(snakemake, "pair", n_pairs)(
                estimate_flows(model, frames, updates=params.updates)
            ),
            (n_pairs, *frames[0].shape[:2]),
            provenance,
            exact=params.reference,
            loss=loss,
            block_radius=radius,
        )
    save_raft(model, snakemake.output.weights)
