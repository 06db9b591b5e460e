# What other tools read: made where the config's `exports` lists it, or by name.
rule pose_export:
    """The pose before and after the method in a format of other tools."""
    input:
        before=of_stage("pose_0.h5"),
        after=last_pose_of,
    output:
        f"{RESULTS}/pose.{{format}}",
    log:
        f"{LOGS}/pose.{{format}}.log",
    wildcard_constraints:
        format=r"npz|csv|bvh|trc|c3d|coco\.json",
    conda:
        ENVIRONMENT
    params:
        writer=pose_writer,
        # It moves with the config.
        settings=last_pose_of,
        code=lambda wildcards: code_digest("export_pose.py", pose_writer(wildcards)),
    script:
        "../scripts/export_pose.py"


rule openpose_export:
    """The pose after the method as OpenPose writes it, a file a frame."""
    input:
        before=of_stage("pose_0.h5"),
        after=last_pose_of,
    output:
        directory(f"{RESULTS}/openpose"),
    log:
        f"{LOGS}/openpose.log",
    conda:
        ENVIRONMENT
    params:
        writer="flowpose.exports.pose_openpose",
        settings=last_pose_of,
        code=code_digest("export_pose.py", "flowpose.exports.pose_openpose"),
    script:
        "../scripts/export_pose.py"


rule flow_export:
    """The flow after the method in a format of other tools, a file a pair of frames."""
    input:
        # It says which frames of the video these are, when frames.h5 is gone.
        pose=of_stage("pose_0.h5"),
        flow=last_flow_of,
    output:
        directory(f"{RESULTS}/flow/{{format}}"),
    log:
        f"{LOGS}/flow.{{format}}.log",
    wildcard_constraints:
        format="flo|kitti",
    conda:
        ENVIRONMENT
    params:
        writer=flow_writer,
        settings=last_flow_of,
        code=lambda wildcards: code_digest("export_flow.py", flow_writer(wildcards)),
    script:
        "../scripts/export_flow.py"
