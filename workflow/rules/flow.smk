rule flow_initial:
    """RAFT as loaded."""
    input:
        made_first=made_before_flows,
        frames=of_stage("frames.h5"),
        weights=first_weights("flow_0.h5"),
    output:
        kept("flows", f"{RESULTS}/flow_0.h5"),
    log:
        f"{LOGS}/flow_0.log",
    cache: SHARED
    conda:
        ENVIRONMENT
    threads: 4
    resources:
        gpu=FLOW_GPUS,
        mem_mb=flow_mem_mb(finetuned=False),
    params:
        **settings_of("flow_initial"),
        found=lambda wildcards: bool(first_weights("flow_0.h5")(wildcards)),
        code=code_digest("estimate_flow.py"),
    script:
        "../scripts/estimate_flow.py"


rule flow_finetuned:
    """RAFT finetuned, from where the cycle before left it, toward a pose."""
    input:
        frames=of_stage("frames.h5"),
        weights=weights_before,
        flow=of_cycle_before("flow_{cycle}.h5"),
        pose=pose_for_flow,
    output:
        kept("flows", multiext(f"{RESULTS}/flow_{{cycle}}", flow=".h5", weights=".pt")),
    log:
        f"{LOGS}/flow_{{cycle}}.log",
    wildcard_constraints:
        sequence=adapted_by("finetune"),
    cache: SHARED
    conda:
        ENVIRONMENT
    threads: 4
    resources:
        gpu=FLOW_GPUS,
        mem_mb=flow_mem_mb(finetuned=True),
    params:
        **settings_of("flow_finetuned"),
        code=code_digest("finetune_flow.py"),
    script:
        "../scripts/finetune_flow.py"


rule flow_fused:
    """RAFT's flow with the motion of a pose drawn over it; nothing is trained."""
    input:
        flow=of_stage("flow_0.h5"),
        pose=of_stage("pose_{cycle}.h5"),
    output:
        kept("flows", f"{RESULTS}/flow_{{cycle}}.h5"),
    log:
        f"{LOGS}/flow_{{cycle}}.log",
    wildcard_constraints:
        sequence=adapted_by("fuse"),
    conda:
        ENVIRONMENT
    threads: 4
    params:
        **settings_of("flow_fused"),
        code=code_digest("fuse_flow.py"),
    script:
        "../scripts/fuse_flow.py"
