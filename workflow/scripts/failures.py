"""What a run says at its end of the jobs that failed, by what their logs say."""

import re
from collections.abc import Iterable
from pathlib import Path

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


def failures_text(jobs: Iterable[tuple[str, str]]) -> str:
    """The message of a run that failed.

    Args:
        jobs: of each job that failed its name and its log.
    """
    messages = [
        failure_in(log)
        or f"{name}: {log} does not say why (if nothing above does, it was killed, perhaps for "
        "want of memory)"
        for name, log in jobs
    ]
    head = f"{len(messages)} jobs failed:\n" if len(messages) > 1 else ""
    return head + "\n".join(sorted(messages))
