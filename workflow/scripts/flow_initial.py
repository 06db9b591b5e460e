"""Rule flow_initial: RAFT's flow with the weights as loaded."""

from flowpose.devices import (
    compute_device,
    device_name,
    memory_shortage_explained,
    precision_on,
    prepare,
)
from flowpose.flow import estimate_flows
from flowpose.flow_writing import write_flows
from flowpose.frames import open_frames
from flowpose.raft import load_raft, place_raft
from jobs import job, progress

with (
    job(snakemake) as provenance,
    memory_shortage_explained(),
    compute_device(snakemake.config["device"]) as device,
):
    params = snakemake.params
    precision = precision_on(device, params.precision)
    prepare(snakemake.threads, fast=precision == "fast")
    model = place_raft(load_raft(params.weights, params.model), device, precision=precision)
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
