"""Fetching by the workflow: what the config names, once, and nothing is computed anew for it."""

import shutil
import zipfile

import pytest
from toy import CONFIG, Project, copy_sources, write_inputs
from web import serving

from flowpose.download.manifest import write_manifest
from flowpose.storage.whole_files import sha256

DOWNLOADS = "resources/downloads"
VIDEO = "Walking 1.60457274.avi"


@pytest.fixture
def sources(tmp_path):
    """The toy's weights in an archive, and its videos in a folder that has a manifest."""
    write_inputs(tmp_path / "inputs")
    clips = tmp_path / "clips"
    (clips / "S 1").mkdir(parents=True)
    shutil.move(tmp_path / "inputs" / VIDEO, clips / "S 1")
    write_manifest(clips / "MANIFEST.sha256", {f"S 1/{VIDEO}": sha256(clips / "S 1" / VIDEO)})
    with zipfile.ZipFile(tmp_path / "models.zip", "w") as archive:
        archive.write(tmp_path / "inputs" / "raft.pth", "models/raft.pth")
    (tmp_path / "inputs" / "raft.pth").unlink()
    return tmp_path


@pytest.fixture
def new(sources):
    """A project without results, one sequence, whose video and weights must be fetched."""
    copy_sources(sources / "project")
    shutil.move(sources / "inputs", sources / "project" / "inputs")
    sequence = CONFIG["sequences"]["Walking 1"] | {"video": f"{DOWNLOADS}/clips/S 1/{VIDEO}"}
    flow = CONFIG["flow"] | {"weights": f"{DOWNLOADS}/raft/models/raft.pth"}
    project = Project(sources / "project")
    project.write_config(CONFIG | {"sequences": {"Walking 1": sequence}, "flow": flow})
    return project


def name_sources(project, clips, raft):
    project.write_config(project.config | {"downloads": {"clips": {"url": clips}, "raft": raft}})


def test_what_the_config_names_is_fetched_once(new, sources):
    clips, models = sources / "clips", sources / "models.zip"
    frames = "results/toy/Walking 1/frames.h5"
    with serving() as server:
        server.files = {
            f"/{path.relative_to(clips)}": path.read_bytes() for path in clips.rglob("*.*")
        }
        name_sources(new, server.url("/"), {"url": models.as_uri()})
        run = new.snakemake(target=frames)
    assert run.ok, run.text
    assert run.jobs() == {"fetch_download": 1, "take_member": 1, "frames": 1}
    # The same files at another address are verified; what was made of them stays.
    name_sources(new, clips.as_uri() + "/", {"url": models.as_uri()})
    run = new.snakemake(target="fetch")
    assert run.ok, run.text
    assert run.jobs() == {"fetch_download": 2, "take_member": 2, "fetch": 1}
    assert (new.folder / DOWNLOADS / "raft" / "models" / "raft.pth").stat().st_size > 1_000_000
    assert new.planned(target=frames) == {}
