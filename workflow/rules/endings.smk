import shutil

from failures import failures_text
from flowpose.storage.stage_files import failure
from outcomes import outcomes_text


def discard_stubs():
    """Delete files that only say why they could not be made; which they were, and why.

    With allow_missing they let the table go on without their sequence. They are no results: named as
    targets they are tried again, as they are when an input or a setting of theirs has changed.
    """
    reasons = {}
    for job in workflow.dag.jobs:
        made = [str(file) for file in job.output if Path(file).is_file()]
        found = [failure(file) for file in made if file.endswith(".h5")]
        if any(found):
            # Pictures say it to people, and stay.
            for file in made:
                if not file.endswith(".png"):
                    Path(file).unlink()
                    reasons[file] = found[0]
    # Exports are then empty.
    for job in workflow.dag.jobs:
        for file in filter(is_empty, map(str, job.output)):
            discard(file)
            reasons[file] = next(
                (reasons[path] for path in map(str, job.input) if path in reasons),
                f"it could not be made: see {job.log[0]}",
            )
    return reasons


def is_empty(path):
    """Whether a file or folder is there, and nothing is in it."""
    if Path(path).is_dir():
        # But for Snakemake's own file, which is hidden.
        return not any(Path(path).glob("[!.]*"))
    return Path(path).is_file() and not Path(path).stat().st_size


def discard(path):
    """Delete an empty file or folder."""
    if Path(path).is_dir():
        shutil.rmtree(path)
    else:
        Path(path).unlink()


def end(message):
    """End the run as failed; nothing is printed after that."""
    print(f"\n{message}", file=sys.stderr)
    sys.exit(1)


onsuccess:
    if config["allow_missing"]:
        failed = discard_stubs()
        if wanted := set(map(str, workflow.dag.targetfiles)).intersection(failed):
            end("\n".join(f"{file}: {failed[file]}" for file in sorted(wanted)))
    if OWN_VIDEOS:
        folders = [RESULTS.format(sequence=sequence) for sequence in SEQUENCES]
        if text := outcomes_text(folders, TABLES):
            print(f"\n{text}", file=sys.stderr)


onerror:
    if config["allow_missing"]:
        discard_stubs()
    # What Snakemake prints of a failed job hides the reason: so that comes last.
    failed = [
        job
        for failed in workflow.scheduler.failed
        for job in (failed.jobs if failed.is_group() else [failed])
    ]
    if failed:
        end(failures_text((str(job), str(job.log[0])) for job in failed))
