"""Rule flow_finetuned: finetune RAFT toward the motion of a pose."""

import logging
from dataclasses import asdict
from pathlib import Path

from jobs import job, progress, warn
from flowpose.adaptation.finetuning import FlowOptions, finetune_toward_pose
from flowpose.adaptation.passes_done import PassesFile
from flowpose.adaptation.target import pose_target
from flowpose.flow.field_file import open_flows
from flowpose.flow.field_writing import write_flows
from flowpose.pose.pose_file import read_pose
from flowpose.raft.checkpoint import load_raft, place_raft, save_raft
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
    inputs, params = snakemake.input, snakemake.params
    precision = precision_on(device, params.precision)
    prepare(snakemake.threads, fast=precision == "fast")
    # The first ones may be gone, which is for their reader to say.
    weights = inputs.weights or params.weights
    model = place_raft(load_raft(weights, params.model), device, precision=precision)
    pose = read_pose(inputs.pose)
    flow_file = Path(snakemake.output.flow)
    # Beside the outputs and not among them, so that it stays when Snakemake removes those of a job
    # that was interrupted.
    passes_file = PassesFile(
        flow_file.with_name(f".{flow_file.stem}.checkpoint"),
        {**asdict(provenance), "precision": precision, "device": device_name(device)},
    )
    if start := passes_file.read():
        done = len(start.losses)
        warn(snakemake, f"goes on after pass {done} of {params.passes}, where it was interrupted")
    with open_frames(inputs.frames) as frames, open_flows(inputs.flow) as flows:
        if flows.precision != precision:
            warn(
                snakemake,
                f"finetunes in {precision} precision where {inputs.flow} is in {flows.precision}: "
                "they ran on different devices (set flow.precision to have all in one)",
            )
        n_pairs, size = len(frames) - 1, frames[0].shape[:2]
        target = pose_target(
            pose,
            size,
            shape=params.target,
            at=params.target_at,
            **params.block,
            reference=params.reference,
        )
        logging.info("target: %s, up to %.1f px from the skeleton", params.target, target.reach)
        loss = finetune_toward_pose(
            model,
            frames,
            flows,
            target,
            options=FlowOptions(
                updates=params.updates,
                passes=params.passes,
                learning_rate=params.learning_rate,
                learning_rate_decay=params.learning_rate_decay,
                knee=params.knee,
                precision=precision,
                low_memory=snakemake.config["flow"]["low_memory"],
                frozen_encoders=params.frozen_encoders,
                gradient_updates=params.gradient_updates,
                pairs_per_step=params.pairs_per_step,
                person_margin=params.person_margin,
            ),
            reference=params.reference,
            folder=flow_file.parent,
            start=start,
            save=passes_file.write,
            progress=progress(snakemake, "step", n_pairs),
        )
        write_flows(
            snakemake.output.flow,
            progress(snakemake, "pair", n_pairs)(
                estimate_flows(model, frames, updates=params.updates, precision=precision)
            ),
            (n_pairs, *size),
            provenance,
            lossless=params.reference,
            precision=precision,
            device=device_name(device),
            loss=loss,
        )
    save_raft(model, snakemake.output.weights)
    passes_file.remove()
