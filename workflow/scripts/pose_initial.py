"""Rule pose_initial: the 3D pose as MediaPipe or METRO estimated it."""

from flowpose.pose.keypoint_file import read_keypoints
from flowpose.pose.pose_file import write_pose
from flowpose.readers import mediapipe, metro
from flowpose.video.frames_file import read_header
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
