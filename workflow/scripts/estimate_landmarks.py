"""Rule landmarks: where MediaPipe sees a person in the video."""

from jobs import brought, job, progress
from flowpose.estimators.mediapipe_pose import estimate_landmarks
from flowpose.pose.landmarks_file import write_landmarks

with job(snakemake) as provenance:
    params = snakemake.params
    landmarks = estimate_landmarks(
        brought(snakemake, params.video),
        params.python,
        crop=params.crop,
        start=params.part["start"],
        end=params.part["end"],
        fps=params.fps,
        progress=progress(snakemake, "frame"),
    )
    write_landmarks(snakemake.output[0], landmarks, provenance)
