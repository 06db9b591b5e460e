"""Rule estimates: the pose and the keypoints that others estimated, whatever their formats."""

from importlib import import_module

from jobs import brought, job
from flowpose.pose.assembly import assemble_estimates
from flowpose.pose.keypoint_file import write_keypoints
from flowpose.pose.pose_file import write_pose
from flowpose.video.frames_file import read_header

with job(snakemake) as provenance:
    params, output = snakemake.params, snakemake.output
    # By name, so that a sequence depends on the code of its own formats only.
    header = read_header(snakemake.input.frames)
    pose, keypoints = assemble_estimates(
        import_module(params.pose_reader).read_joints(**brought(snakemake, params.pose)),
        import_module(params.keypoint_reader).read_detections(
            **brought(snakemake, params.keypoints)
        ),
        header,
    )
    write_pose(output.pose, pose, provenance, header=header)
    write_keypoints(output.keypoints, keypoints, provenance)
