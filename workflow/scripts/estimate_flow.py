"""Rule flow_initial: RAFT's flow with the weights as loaded."""

from jobs import job, progress
from flowpose.flow.field_writing import write_flows
from flowpose.raft.checkpoint import load_raft, place_raft
from flowpose.raft.inference import estimate_flows
from flowpose.runtime.devices import (
    compute_device,
    device_name,
    memory_shortage_explained,
    precision_on,
    prepare,
)
from flowpose.video.frames_file import open_frames

with (
    job(snakemake) as provenance,
    memory_shortage_explained(),
    compute_device(snakemake.config["device"]) as device,
):
    params = snakemake.params
    precision = precision_on(device, params.precision)
    prepare(snakemake.threads, fast=precision == "fast")
    # They may be gone, which is for their reader to say.
    weights = snakemake.input.weights or params.weights
    model = place_raft(load_raft(weights, params.model), device, precision=precision)
    with open_frames(snakemake.input.frames) as frames:
        flows = estimate_flows(model, frames, updates=params.updates, precision=precision)
        write_flows(
            snakemake.output[0],
            progress(snakemake, "pair", len(frames) - 1)(flows),
            (len(frames) - 1, *frames[0].shape[:2]),
            provenance,
            lossless=params.reference,
            precision=precision,
            device=device_name(device),
        )
