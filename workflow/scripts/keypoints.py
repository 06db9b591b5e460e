"""Rule keypoints: 2D detections, of MediaPipe or DCPose."""

from flowpose.pose.keypoint_file import in_frames, write_keypoints
from flowpose.readers import mediapipe
from flowpose.readers.dcpose import read_dcpose
from flowpose.readers.metro import read_metro
from flowpose.video.frames_file import read_header
from jobs import job

with job(snakemake) as provenance:
    estimates = snakemake.params.estimates
    header = read_header(snakemake.input.frames)
    if estimates["format"] == "metro":
        pose = read_metro(estimates["file"], len(header.index))
        keypoints = in_frames(read_dcpose(estimates["keypoints"], pose.project()), header.view)
    else:
        found = mediapipe.read_mediapipe(estimates["file"], estimates["camera"])
        mediapipe.check_video(found, estimates["file"], header.video, header.index)
        keypoints = mediapipe.keypoints(found, header)
    write_keypoints(snakemake.output[0], keypoints, provenance)
