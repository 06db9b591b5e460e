from itertools import chain

from default_storage import bring
from failures import discard_stubs, failures_text
from outcomes import outcomes_text


def discarded():
    """Delete what stands for failures: which files, and why each; and files that are damaged.

    With allow_missing they let the table go on without their sequence. They are no results: named as
    targets they are tried again, as they are when an input or a setting of theirs has changed.
    """
    return discard_stubs(
        [
            ([str(file) for file in job.input], [str(file) for file in job.output])
            for job in workflow.dag.jobs
            if is_own(job.rule)
        ]
    )


def failed_here():
    """Of the jobs, or groups of them, that failed, names and logs of those of these rules."""
    groups = [
        [
            job
            for job in (failed.jobs if failed.is_group() else [failed])
            if is_own(job.rule)
        ]
        for failed in workflow.scheduler.failed
    ]
    for job in chain.from_iterable(groups):
        bring(job.log[0])
    return [
        sorted((str(job), str(job.log[0])) for job in group)
        for group in groups
        if group
    ]


def after(handler, own):
    """A handler that does what another does, and then this one's own."""

    def both(log):
        handler(log)
        own()

    return both


def end(messages):
    """End the run as failed; nothing is printed after that."""
    print("\n" + "\n".join(messages), file=sys.stderr)
    sys.exit(1)


onsuccess:
    if config["allow_missing"]:
        failed, unreadable = discarded()
        wanted = set(map(str, workflow.dag.targetfiles)).intersection(failed)
        messages = [f"{file}: {failed[file]}" for file in sorted(wanted)]
        if messages + unreadable:
            end(messages + unreadable)
    if OWN_VIDEOS:
        wanted = {str(file) for job in workflow.dag.jobs for file in job.output}
        folders = [RESULTS.format(sequence=sequence) for sequence in SEQUENCES]
        if text := outcomes_text(wanted, folders, TABLES):
            print(f"\n{text}", file=sys.stderr)


onerror:
    # What Snakemake prints of a failed job hides the reason: so that comes last.
    messages = discarded()[1] if config["allow_missing"] else []
    if failed := failed_here():
        messages.append(failures_text(failed))
    if messages:
        end(messages)


# Of a module Snakemake calls none of these.
if IS_MODULE and workflow.modifier.rule_whitelist is None:
    workflow._onsuccess = after(workflow._onsuccess, onsuccess)
    workflow._onerror = after(workflow._onerror, onerror)
