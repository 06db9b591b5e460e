"""Elsewhere than in its own folder: as a module, from Git, and in any folder."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from toy import CONFIG, ROOT, Project, Run, copy_sources

# As snakedeploy writes it; the last line as people do who have other rules.
DEPLOYED = """
configfile: "config/config.yaml"


module flowpose:
    snakefile:
        {snakefile}
    config:
        config
{more}

use rule * from flowpose as flowpose_*
"""
SNAKEFILE = ROOT / "workflow" / "Snakefile"
TABLES = ["results/table.csv", "results/toy/table.csv"]
FLOW = "results/toy/right/flow_0.h5"
PICTURE = "resources/demo/mediapipe.npz"


def deploy(folder: Path, snakefile: str, config: dict, more: str = "") -> Project:
    """A workflow that has this one as a module."""
    for name in ("workflow", "config"):
        (folder / name).mkdir(parents=True)
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    text = DEPLOYED.format(snakefile=snakefile, more=more)
    (folder / "workflow" / "Snakefile").write_text(text)
    return Project(folder, configfile=None)


def files(folder: Path) -> set[Path]:
    """What is in a folder, but for what Python compiles where it may."""
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return {path for path in found if "__pycache__" not in path.parts}


def without_sources(finished: Project, folder: Path, *kept: str) -> Path:
    """The results of the toy project and what they were made from."""
    for name in ("results", ".snakemake", "inputs", *kept):
        shutil.copytree(finished.folder / name, folder / name)
    return folder


def elsewhere(folder: Path, *arguments: str | Path) -> Run:
    """Plan by the workflow's own Snakefile, in a folder that is not its own, with no profile."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--snakefile", SNAKEFILE]
    done = subprocess.run(
        [*command, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    return Run(done.returncode == 0, done.stdout + done.stderr)


def test_results_are_current_wherever_the_workflow_lies(finished, tmp_path):
    """Neither its place nor a profile, which is not found, makes anything run again."""
    folder = without_sources(finished, tmp_path / "data")
    toy = finished.folder / "config" / "toy.yaml"
    run = elsewhere(tmp_path, "--directory", folder, "--configfile", toy, "--", *TABLES)
    assert run.ok and "Using workflow specific profile" not in run.text, run.text
    assert run.jobs() == {} and "Nothing to be done" in run.text


def test_results_are_current_in_a_module(finished, tmp_path):
    """What a module's user sets, in a profile, is as in the workflow's own."""
    folder = without_sources(finished, tmp_path / "user", "profiles")
    project = deploy(folder, repr(str(SNAKEFILE)), CONFIG)
    run = project.snakemake(target=[*TABLES, "flowpose_verify"])
    assert run.jobs() == {"flowpose_verify": 1}, run.text
    # Stale is what names the config's file, which is another here, and nothing else.
    stale = re.findall(r"^stale +results/toy/(\S+): config was", run.text, re.MULTILINE)
    assert stale == ["overview.html", "summary.csv", "summary.md", "summary.tex"], run.text
    assert re.search(r"^\d+ files: \d+ current, 4 stale$", run.text, re.MULTILINE), run.text
    # A report of the user's is not introduced as flowpose's, of whose config it knows no defaults.
    run = project.snakemake("--report", "report.zip", target="results/toy/joints.png")
    assert run.ok, run.text
    with zipfile.ZipFile(folder / "report.zip") as archive:
        page = archive.read("report/report.html").decode()
    assert "Of each joint the mean error" in page and "flowpose on" not in page


def test_a_prefix_moves_what_is_made_and_not_what_is_given(finished, tmp_path):
    """Nor what a rule of the user's makes, though it stands after the module."""
    folder = without_sources(finished, tmp_path / "user", "profiles")
    downloaded = {"flow": CONFIG["flow"] | {"weights": "resources/downloads/raft/raft.pth"}}
    source = {"downloads": {"raft": {"url": f"file://{folder}/inputs/raft.pth"}}}
    prefix = '    prefix: "flow"'
    filmed = CONFIG["sequences"]["right"] | {"video": "filmed/left.avi"}
    sequences = {"sequences": CONFIG["sequences"] | {"filmed": filmed}}
    config = CONFIG | downloaded | source | sequences
    project = deploy(folder, repr(str(SNAKEFILE)), config, prefix)
    with (folder / "workflow" / "Snakefile").open("a") as file:
        file.write("\nrule film:\n    output: 'filmed/{name}.avi'\n    shell: 'touch {output}'\n")
    run = project.snakemake("--dry-run", target="flowpose_all")
    assert run.ok, run.text
    assert run.jobs()["flowpose_frames"] == 3 and run.jobs()["flowpose_all"] == 1
    assert run.jobs()["film"] == 1 and "input: filmed/left.avi" in run.text
    assert "output: flow/results/toy/right/frames.h5" in run.text
    assert "input: inputs/right.avi" in run.text
    assert "output: flow/resources/downloads/raft/raft.pth" in run.text


def test_the_demo_is_found_from_any_folder(tmp_path):
    run = elsewhere(tmp_path, "--", "results/table.csv")
    assert run.ok and run.jobs()["bring_demo"] == 2, run.text
    assert list(tmp_path.glob("[!.]*")) == []


@pytest.fixture(scope="module")
def hosted(tmp_path_factory) -> dict[str, str]:
    """An environment in which owner/flowpose of GitHub is a repository on this machine, tag v1."""
    root = tmp_path_factory.mktemp("hosted")
    clone = root / "owner" / "flowpose"
    copy_sources(clone)
    author = ["-c", "user.name=A", "-c", "user.email=a@b"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "."], ["tag", "v1"]):
        subprocess.run(["git", *author, *arguments], cwd=clone, check=True)
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{root}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
        "XDG_CACHE_HOME": str(root / "cache"),
    }


def test_a_deployment_from_git_runs_and_is_then_current(finished, hosted, tmp_path, monkeypatch):
    """Library and binary files come along; with no profile, all of Snakemake's triggers count."""
    shutil.copytree(finished.folder / "inputs", tmp_path / "inputs")
    source = 'github("owner/flowpose", path="workflow/Snakefile", tag="v1")'
    project = deploy(tmp_path, source, CONFIG)
    for name, value in hosted.items():
        monkeypatch.setenv(name, value)
    run = project.snakemake(target=[FLOW, PICTURE])
    assert run.ok, run.text
    made = {"frames": 1, "flow_initial": 1, "bring_demo": 1}
    assert run.jobs() == {f"flowpose_{rule}": n for rule, n in made.items()}
    assert (tmp_path / PICTURE).read_bytes() == (ROOT / PICTURE).read_bytes()
    assert project.planned(target=[FLOW, PICTURE]) == {}
    # Nothing was written to the folder of the workflow.
    cache = Path(hosted["XDG_CACHE_HOME"]) / "snakemake" / "snakemake" / "source-cache"
    (copy,) = (cache / "flowpose").iterdir()
    assert files(copy / "workflow") == files(ROOT / "workflow")
