"""Rule pose_initial: the 3D pose as MediaPipe estimated it."""

from flowpose.frames import read_header
from flowpose.keypoints import read_keypoints
from flowpose.mediapipe import pose, read_mediapipe
from flowpose.pose import write_pose
from jobs import job

with job(snakemake) as provenance:
    inputs, params = snakemake.input, snakemake.params
    estimated = pose(
        read_mediapipe(params.file, params.camera),
        read_header(inputs.frames),
        read_keypoints(inputs.keypoints),
        params.file,
    )
    write_pose(snakemake.output[0], estimated, provenance)
