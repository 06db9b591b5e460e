# Made where the config's `exports` lists them, or by name.
rule pose_export:
    """The pose before and after the method in a format of other tools."""
    input:
        before=f"{RESULTS}/pose_0.h5",
        after=f"{RESULTS}/pose_{LAST_POSE}.h5",
    output:
        f"{RESULTS}/pose.{{format}}",
    log:
        f"{LOGS}/pose.{{format}}.log",
    wildcard_constraints:
        format="npz|csv",
    conda:
        ENVIRONMENT
    params:
        writer=lambda wildcards: f"flowpose.exports.pose_{wildcards.format}",
        code=lambda wildcards: code_digest(
            "export_pose.py", f"flowpose.exports.pose_{wildcards.format}"
        ),
    script:
        "../scripts/export_pose.py"
