"""Rule pose_initial: the 3D pose as MediaPipe or METRO estimated it."""

from flowpose import mediapipe, metro
from flowpose.frames import read_header
from flowpose.keypoints import read_keypoints
from flowpose.pose import write_pose
from jobs import job

with job(snakemake) as provenance:
    inputs, estimates = snakemake.input, snakemake.params.estimates
    header = read_header(inputs.frames)
    if estimates["format"] == "metro":
        pose = metro.read_metro(estimates["file"], len(header.index))
        pose = metro.in_frames(pose, header.view)
    else:
        found = mediapipe.read_mediapipe(estimates["file"], estimates["camera"])
        pose = mediapipe.pose(found, header, read_keypoints(inputs.keypoints), estimates["file"])
    write_pose(snakemake.output[0], pose, provenance)
