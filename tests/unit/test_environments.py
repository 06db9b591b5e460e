"""The ways to install what flowpose runs on agree with each other."""

import re
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ENVS = Path(__file__).parents[2] / "envs"
CONDA = yaml.safe_load((ENVS / "flowpose.yaml").read_text())["dependencies"]
CONTAINER = (ENVS / "Containerfile").read_text()
# Snakemake makes the environment for the scripts of rules: itself it runs outside of it.
SNAKEMAKE = {"snakemake", "snakemake-executor-plugin-slurm", "pygments", "jsonschema", "pyyaml"}


def requirements(path: Path) -> dict[str, Requirement]:
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    found = (Requirement(line) for line in lines if line and not line.startswith("-"))
    return {requirement.name: requirement for requirement in found}


def locked(name: str) -> set[str]:
    """Versions of a package in requirements.txt; there may be one a version of Python."""
    text = (ENVS / "requirements.txt").read_text()
    return set(re.findall(rf"^{re.escape(name)}==([^\s;]+)", text, re.MULTILINE))


REQUIRED = requirements(ENVS / "requirements.in")
CONDA_PIP = {
    requirement.name: requirement
    for requirement in map(Requirement, next(d for d in CONDA if isinstance(d, dict))["pip"])
}


@pytest.mark.parametrize("name", REQUIRED)
def test_lock_has_what_is_required(name):
    versions = locked(name)
    assert versions
    assert all(REQUIRED[name].specifier.contains(version) for version in versions)


def test_conda_environment_has_what_scripts_need():
    assert set(CONDA_PIP) == set(REQUIRED) - SNAKEMAKE


@pytest.mark.parametrize("name", CONDA_PIP)
def test_conda_environment_has_a_locked_version(name):
    assert str(CONDA_PIP[name].specifier).removeprefix("==") in locked(name)


def test_one_python_for_conda_and_container():
    (python,) = (d.removeprefix("python=") for d in CONDA if str(d).startswith("python="))
    assert re.search(rf"^FROM python:{re.escape(python)}\.\d+-slim", CONTAINER, re.MULTILINE)


def test_container_copies_what_is_there():
    copied = [line.split()[1:-1] for line in CONTAINER.splitlines() if line.startswith("COPY ")]
    paths = [ENVS / path for paths in copied for path in paths]
    assert paths and all(path.exists() for path in paths)


MEDIAPIPE = (ENVS / "mediapipe.txt").read_text()


WANTED = requirements(ENVS / "mediapipe.in")


@pytest.mark.parametrize("name", WANTED)
def test_mediapipes_lock_has_what_is_required(name):
    (version,) = re.findall(rf"^{re.escape(name)}==(\S+)", MEDIAPIPE, re.MULTILINE)
    assert WANTED[name].specifier.contains(version)


def test_mediapipes_lock_has_an_older_numpy_and_nothing_that_is_left_out():
    names = set(re.findall(r"^([\w-]+)==", MEDIAPIPE, re.MULTILINE))
    assert re.search(r"^numpy==1\.", MEDIAPIPE, re.MULTILINE)
    left_out = set(requirements(ENVS / "mediapipe-without.in"))
    assert "jax" in left_out and not left_out & names
