"""Environments for packages that want other versions than flowpose's."""

import hashlib
import subprocess
import sys
import zipfile

import pytest

from flowpose.download.environment import make_environment
from flowpose.download.sources import FetchError

HERE = "{}.{}".format(*sys.version_info)


@pytest.fixture
def requirements(tmp_path):
    """Asks for a small package, which asks for another that is nowhere."""
    wheel = tmp_path / "tiny-1.5-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "answer = 42\n")
        for name, text in {
            "METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.5\nRequires-Dist: nowhere\n",
            "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "RECORD": "",
        }.items():
            archive.writestr(f"tiny-1.5.dist-info/{name}", text)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()

    def write(digest=digest):
        path = tmp_path / "requirements.txt"
        path.write_text(f"tiny @ {wheel.as_uri()} --hash=sha256:{digest}\n")
        return path

    return write


def test_an_environment_has_the_packages_and_nothing_else(tmp_path, requirements, monkeypatch):
    """Made by another Python than this one, in the place of one that was interrupted."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3.0").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "bin" / "python3.0").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    (tmp_path / "made" / "lib").mkdir(parents=True)
    (tmp_path / "made" / "lib" / "left").touch()
    installed = make_environment(
        tmp_path / "made", requirements(), pythons=["3.0"], module="tiny", remedy=""
    )
    assert installed == "tiny==1.5\n"
    assert not (tmp_path / "made" / "lib" / "left").exists()
    code = "import sys, tiny; print(tiny.answer, sys.prefix)"
    python = tmp_path / "made" / "bin" / "python"
    said = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == f"42 {tmp_path / 'made'}\n"


def test_a_package_that_is_not_what_was_locked_is_refused(tmp_path, requirements):
    with pytest.raises(FetchError, match=r"(?s)pip .*failed:\n.*hash.*; or do without\)"):
        make_environment(
            tmp_path / "made",
            requirements("0" * 64),
            pythons=[HERE],
            module="tiny",
            remedy="do without",
        )


def test_a_module_that_cannot_be_imported_is_refused(tmp_path, requirements):
    with pytest.raises(FetchError, match=r"(?s)import huge: failed:\n.*No module.*\n\(do without"):
        make_environment(
            tmp_path / "made", requirements(), pythons=[HERE], module="huge", remedy="do without"
        )


def test_a_python_that_does_not_fit_is_refused_with_those_that_do(tmp_path):
    message = (
        f"this is Python {HERE}, the packages are there for 2.0 and 2.1 only, and no python2.0 or "
        r"python2.1 is on the PATH \(install one of these; or do without\)"
    )
    with pytest.raises(FetchError, match=message):
        make_environment(
            tmp_path, tmp_path / "none", pythons=["2.0", "2.1"], module="m", remedy="do without"
        )
