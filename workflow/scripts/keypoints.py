"""Rule keypoints: 2D detections, from MediaPipe's estimates."""

from flowpose.frames import read_header
from flowpose.keypoints import write_keypoints
from flowpose.mediapipe import check_video, keypoints, read_mediapipe
from jobs import job

with job(snakemake) as provenance:
    params = snakemake.params
    header = read_header(snakemake.input.frames)
    estimates = read_mediapipe(params.file, params.camera)
    check_video(estimates, params.file, header.video, header.index)
    write_keypoints(snakemake.output[0], keypoints(estimates, header), provenance)
