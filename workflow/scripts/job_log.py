"""The log of a job, which one process at a time writes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from filelock import FileLock, Timeout


@contextmanager
def _log_that_may_fill(log: Path) -> Iterator[TextIO]:
    """A log to add to, whose own lack of room is no error beside that of the output."""
    stream = log.open("a")
    try:
        yield stream
    finally:
        with suppress(OSError):
            stream.close()


@contextmanager
def exclusive(log: Path) -> Iterator[TextIO]:
    """A job's log to write to; waits for another process that still does the same job.

    When snakemake itself is killed, its jobs live on.
    """
    # The log itself is locked: nothing is left behind.
    lock = FileLock(log, fallback_to_soft=False)
    with _log_that_may_fill(log) as stream:
        # Some file systems of clusters have no locks; there nothing can be known.
        with suppress(OSError):
            try:
                lock.acquire(blocking=False)
            except Timeout:
                message = "the same job of an earlier run is still at work; waiting for its end"
                print(f"{log}: {message}", file=sys.stderr)
                lock.acquire(poll_interval=0.5)
        stream.truncate(0)
        try:
            yield stream
        finally:
            with suppress(OSError):
                lock.release()
