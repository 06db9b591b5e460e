"""What a run says at its end of the jobs that failed, by what they left: logs, and files."""

import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from flowpose.errors import FlowposeError
from flowpose.storage.stage_files import failure

# What a job's script writes last if it ends well.
DONE = "done"
# And before that, how many seconds and MB it took.
TOOK = "took %.1f s, %.0f MB of memory at most"
# What a job's script writes last if it fails; the message may have several lines.
_FAILED = re.compile(r"^\S+ \S+ failed: (.*)\Z", re.MULTILINE | re.DOTALL)


def failure_line(message: str) -> str:
    """The last words of a log, which `failure_in` finds."""
    return f"failed: {message}"


def failure_in(log: Path | str) -> str:
    """Why a job failed; empty if its log does not say."""
    try:
        found = _FAILED.search(Path(log).read_text())
    except OSError:
        return ""
    return found[1].strip() if found else ""


def failures_text(failed: Iterable[Sequence[tuple[str, str]]]) -> str:
    """The message of a run that failed.

    Args:
        failed: for each job that failed, or group of jobs that share one job of a cluster, the
            names and logs of its members: some of a group may have ended well, or never begun.
    """
    messages = [message for members in failed for message in _why(members)]
    head = f"{len(messages)} jobs failed:\n" if len(messages) > 1 else ""
    return head + "\n".join(sorted(messages))


def _why(members: Sequence[tuple[str, str]]) -> list[str]:
    """What those members say that failed; if none says it, one message of all that did not end."""
    if found := [message for _, log in members if (message := failure_in(log))]:
        return found
    unfinished = [(name, log) for name, log in members if not _ended_well(log)] or members
    names, logs = (", ".join(words) for words in zip(*unfinished, strict=True))
    does, it_was = ("does", "it was") if len(unfinished) == 1 else ("do", "they were")
    return [
        f"{names}: {logs} {does} not say why (if nothing above does, {it_was} killed, perhaps for "
        "want of memory)"
    ]


def _ended_well(log: str) -> bool:
    """Whether a log has its last line."""
    try:
        return Path(log).read_text().rstrip().endswith(f" {DONE}")
    except OSError:
        return False


def discard_stubs(
    jobs: Sequence[tuple[Sequence[str], Sequence[str]]],
) -> tuple[dict[str, str], list[str]]:
    """Delete files that only say why they could not be made, and exports that are empty for it.

    Args:
        jobs: the inputs and the outputs of each.

    Returns:
        Of each deleted file or folder why it could not be made; and what is wrong with files that
        cannot be read, which stay.
    """
    reasons: dict[str, str] = {}
    unreadable = []
    for _, outputs in jobs:
        files, found = [file for file in outputs if Path(file).is_file()], []
        for file in files:
            if file.endswith(".h5"):
                try:
                    found.append(failure(file))
                except FlowposeError as error:
                    unreadable.append(str(error))
        if reason := next(filter(None, found), None):
            # Pictures say it to people, and stay.
            for file in files:
                if not file.endswith(".png"):
                    Path(file).unlink()
                    reasons[file] = reason
    for inputs, outputs in jobs:
        for path in map(Path, outputs):
            if _discard_empty(path):
                why = (reasons[file] for file in inputs if file in reasons)
                reasons[str(path)] = next(why, "it could not be made")
    return reasons, unreadable


def _discard_empty(path: Path) -> bool:
    """Delete an empty file or folder; whether it was one."""
    # Snakemake has a file of its own in folders, which is hidden.
    if path.is_dir() and not any(path.glob("[!.]*")):
        shutil.rmtree(path)
        return True
    if path.is_file() and not path.stat().st_size:
        path.unlink()
        return True
    return False
