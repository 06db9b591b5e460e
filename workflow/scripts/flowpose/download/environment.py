"""Environments of their own for packages that want other versions than flowpose's."""

import logging
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from flowpose.download.sources import FetchError

# How Pythons are called where the one that runs this does not fit.
_NAME = "python{}"

# What it has then, a line each.
_LIST = """
from importlib.metadata import distributions
print(*sorted(f"{found.name}=={found.version}" for found in distributions()), sep="\\n")
"""

_log = logging.getLogger(__name__)


def make_environment(
    folder: Path, requirements: Path, *, pythons: Sequence[str], module: str, remedy: str
) -> str:
    """Make a virtual environment with packages of the Python registry, in place of what is there.

    Args:
        folder: where to make it; its Python is `bin/python`.
        requirements: all packages, with exact versions and hashes.
        pythons: versions that the packages are there for, as `3.12`, best first.
        module: what must be importable in the end.
        remedy: what to do where the packages are not to be had for a machine.

    Returns:
        The packages, `name==version`, a line each.

    Raises:
        FetchError: there is no such Python, a package is not to be had, or does not work here.
    """
    python = _python(pythons, remedy)
    _log.info("%s: made by %s", folder, python)
    _run([python, "-m", "venv", "--clear", "--without-pip", str(folder)], "")
    inside = str(folder / "bin" / "python")
    # pip's own settings say where to look, a mirror for example.
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", inside]
    # The list is complete: what a package asks for besides is not needed.
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--requirement"]
    _run(
        [*pip, "install", *options, str(requirements)],
        f"check the network and pip's settings; or {remedy}",
    )
    return _run([inside, "-I", "-c", f"import {module}\n{_LIST}"], remedy)


def _python(pythons: Sequence[str], remedy: str) -> str:
    own = "{}.{}".format(*sys.version_info)
    if own in pythons:
        return sys.executable
    for version in pythons:
        if found := shutil.which(_NAME.format(version)):
            return found
    named = " or ".join(_NAME.format(version) for version in pythons)
    raise FetchError(
        f"this is Python {own}, the packages are there for {' and '.join(pythons)} only, and no "
        f"{named} is on the PATH (install one of these; or {remedy})"
    )


def _run(command: Sequence[str], remedy: str) -> str:
    """What a command prints; the log has the rest."""
    name = " ".join(command).splitlines()[0]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise FetchError(f"{name}: failed:\n{last}" + (f"\n({remedy})" if remedy else ""))
    _log.info("%s\n%s%s", name, done.stdout, done.stderr)
    return done.stdout
