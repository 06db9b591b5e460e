"""Rule pose_refined: repair the estimated pose, and refine it against a cycle's flow."""

import logging

import numpy as np

from jobs import job, progress
from flowpose.flow.field_file import open_flows
from flowpose.pose.keypoint_file import read_keypoints
from flowpose.pose.pose_file import read_pose, write_pose
from flowpose.refinement.energy import PoseWeights
from flowpose.refinement.measures import Measures
from flowpose.refinement.refine import PoseOptions, refine_pose
from flowpose.refinement.repair import repair
from flowpose.refinement.smoothing import SMOOTHERS
from flowpose.video.frames_file import read_header

with job(snakemake) as provenance:
    params, inputs = snakemake.params, snakemake.input
    pose, keypoints = read_pose(inputs.pose), read_keypoints(inputs.keypoints)
    detections, weights = keypoints.joints_2d, keypoints.weights(params.min_confidence)
    if params.confidence and not params.reference:
        weights = weights * np.clip(keypoints.confidence, 0, 1)
    header = read_header(inputs.frames)
    seconds = np.diff(header.time)
    repairs, loss = None, None
    with open_flows(inputs.flow) as flows:
        if params.repair and not params.reference:
            pose, detections, weights, repairs = repair(pose, detections, weights, flows)
            for line in repairs.summary() or ["nothing to repair"]:
                logging.info("%s", line)
        if params.solver in SMOOTHERS and not params.reference:
            pose = SMOOTHERS[params.solver](pose, header.fps)
        else:
            refined = refine_pose(
                pose,
                detections,
                weights,
                flows,
                options=PoseOptions(
                    weights=PoseWeights(**params.weights),
                    measures=Measures(
                        units=params.units,
                        temporal=params.temporal,
                        seconds=seconds if params.per_second else None,
                        knee=params.knee,
                    ),
                    solver=params.solver,
                    steps=params.steps,
                    learning_rate=params.learning_rate,
                    stop_decimals=params.stop_decimals,
                    stop_patience=params.stop_patience,
                ),
                repairs=repairs,
                reference=params.reference,
                progress=progress(snakemake, "step"),
            )
            pose, loss = refined.pose, refined.loss
            logging.info("energy %.6g to %.6g, %s", loss[0], loss[-1], refined.stop)
    pose = pose.with_detections(detections, weights)
    write_pose(snakemake.output[0], pose, provenance, loss, repairs)
