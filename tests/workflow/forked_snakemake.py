"""Snakemake, forked from a process that has imported all that is no part of the project.

That saves two seconds a run, of which the tests make some two hundred.
"""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_TESTS = Path(__file__).parents[1]
_LONGEST_S = 1800
_FORKS = multiprocessing.get_context("forkserver")
# Snakemake, and what the project's rules import of others.
_FORKS.set_forkserver_preload(
    ["snakemake.cli", "snakemake.report.html_reporter", "h5py", "jaxtyping", "jsonschema", "yaml"]
)


def run_snakemake(arguments: Sequence[str], folder: Path) -> tuple[int, str]:
    """What `python -m snakemake` in a folder ends with, and what it prints, errors last."""
    with tempfile.TemporaryDirectory() as scratch:
        printed = [Path(scratch, name) for name in ("stdout", "stderr")]
        process = _FORKS.Process(target=_run, args=(arguments, folder, printed, dict(os.environ)))
        process.start()
        process.join(_LONGEST_S)
        if process.exitcode is None:
            process.kill()
            process.join()
        assert process.exitcode is not None
        return process.exitcode, "".join(path.read_text() for path in printed)


def _run(
    arguments: Sequence[str], folder: Path, printed: list[Path], environment: dict[str, str]
) -> None:
    for number, path in enumerate(printed, 1):
        with path.open("wb") as file:
            os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    # The project's modules are those of the folder, which Snakemake adds.
    ours = (_TESTS, _TESTS.parent / "workflow")
    sys.path[:] = [
        str(folder),
        *(path for path in sys.path if not any(map(Path(path).is_relative_to, ours))),
    ]
    sys.argv[:] = ["snakemake", *arguments]

    from snakemake.cli import main

    main()
