from flow_memory import flow_job_mb, machine_mb
from snakemake.logging import logger

# On one machine all jobs together get the memory that it has, unless the user says how much. With
# --jobs they run elsewhere.
if workflow.resource_settings.nodes is None:
    workflow.global_resources.setdefault("mem_mb", machine_mb())


@cache
def tell_of_memory(sequence, needed, limit):
    """Say once that a sequence is too large."""
    logger.warning(
        f"{sequence}: a flow job may need {needed} MB of memory, all jobs together have {limit} MB "
        "(it will run alone; if it is killed, set flow.low_memory to true, lower frames.width, "
        "or crop the sequence)"
    )


def flow_mem_mb(finetuned):
    """A resource function: what a flow job may hold, times the attempt. Unknown without frames.

    Those in a storage are not on this machine; then it is as much as frames of a usual size need.
    """

    def mem_mb(wildcards, input, attempt):
        variant = config_of(wildcards.sequence)
        frames = str(input.frames)
        needed = flow_job_mb(
            None if STORAGE and not Path(frames).exists() else frames,
            flow_of(variant),
            finetuned=finetuned,
            reference=is_reference(variant),
            gpu=FLOW_GPUS > 0,
        )
        # Snakemake lets it run alone then, and does not say so.
        limit = workflow.global_resources.get("mem_mb").value
        if workflow.is_main_process and limit is not None and needed > limit:
            tell_of_memory(wildcards.sequence, needed, limit)
        return needed * attempt

    return mem_mb
