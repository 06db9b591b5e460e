rule flow_initial:
    """RAFT as loaded."""
    input:
        made_first=made_before_flows,
        frames=f"{RESULTS}/frames.h5",
        weights=weights_given("flow_0.h5"),
    output:
        kept("flows", f"{RESULTS}/flow_0.h5"),
    log:
        f"{LOGS}/flow_0.log",
    cache: True
    conda:
        ENVIRONMENT
    threads: 4
    resources:
        gpu=FLOW_GPUS,
    params:
        weights=lambda wildcards: config["flow"]["weights"],
        model=config["flow"]["model"],
        updates=config["flow"]["updates"],
        reference=REFERENCE,
        code=code_digest("flow_initial.py"),
    script:
        "../scripts/flow_initial.py"


rule flow_finetuned:
    """RAFT finetuned, from where the cycle before left it, toward that cycle's pose."""
    input:
        frames=f"{RESULTS}/frames.h5",
        weights=weights_before,
        flow=of_cycle_before("flow_{cycle}.h5"),
        pose=of_cycle_before("pose_{cycle}.h5"),
    output:
        kept("flows", multiext(f"{RESULTS}/flow_{{cycle}}", flow=".h5", weights=".pt")),
    log:
        f"{LOGS}/flow_{{cycle}}.log",
    cache: True
    conda:
        ENVIRONMENT
    threads: 4
    resources:
        gpu=FLOW_GPUS,
    params:
        **{key: value for key, value in config["flow"].items() if key != "weights"},
        reference=REFERENCE,
        code=code_digest("flow_finetuned.py"),
    script:
        "../scripts/flow_finetuned.py"
