# The reference is computed in full, whatever the config says for speed.
IN_FULL = {
    "precision": "exact",
    "learning_rate_decay": False,
    "knee": 1.0,
    "target": "blocks",
    "frozen_encoders": False,
    "gradient_updates": None,
    "pairs_per_step": 1,
    "person_margin": None,
}
FLOW = config["flow"] | (IN_FULL if REFERENCE else {})


rule flow_initial:
    """RAFT as loaded."""
    input:
        made_first=made_before_flows,
        frames=f"{RESULTS}/frames.h5",
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
        mem_mb=flow_mem_mb(FLOW, finetuned=False),
    params:
        weights=FLOW["weights"],
        found=lambda wildcards: bool(first_weights("flow_0.h5")(wildcards)),
        model=FLOW["model"],
        updates=FLOW["updates"],
        precision=FLOW["precision"],
        reference=REFERENCE,
        code=code_digest("estimate_flow.py"),
    script:
        "../scripts/estimate_flow.py"


rule flow_finetuned:
    """RAFT finetuned, from where the cycle before left it, toward a pose."""
    input:
        frames=f"{RESULTS}/frames.h5",
        weights=weights_before,
        flow=of_cycle_before("flow_{cycle}.h5"),
        pose=(
            of_cycle_before("pose_{cycle}.h5")
            if REFERENCE
            else f"{RESULTS}/pose_{{cycle}}.h5"
        ),
    output:
        kept("flows", multiext(f"{RESULTS}/flow_{{cycle}}", flow=".h5", weights=".pt")),
    log:
        f"{LOGS}/flow_{{cycle}}.log",
    cache: SHARED
    conda:
        ENVIRONMENT
    threads: 4
    resources:
        gpu=FLOW_GPUS,
        mem_mb=flow_mem_mb(FLOW, finetuned=True),
    params:
        # Low memory is no reason to compute again: the result is the same.
        **{k: v for k, v in FLOW.items() if k not in ("weights", "low_memory")},
        reference=REFERENCE,
        code=code_digest("finetune_flow.py"),
    script:
        "../scripts/finetune_flow.py"
