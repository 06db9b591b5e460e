"""What `verify` says of finished files after changes, with and without Snakemake's own records."""

import platform
import re
import shutil

import h5py

LIBRARY = "workflow/scripts/flowpose"


def verdicts(project) -> dict[str, tuple[str, str]]:
    """State and reason of every file of the results, by its path below `results`."""
    run = project.snakemake(target="verify")
    lines = re.findall(r"^(\w+) +results/(.*?)(?:: (.*))?$", run.text, re.MULTILINE)
    found = {path: (state, why) for state, path, why in lines}
    changed = {state for state, _ in found.values()} & {"stale", "corrupt"}
    assert run.ok == (not changed), run.text
    told = "to make the stale and corrupt files above again, delete them and run the workflow"
    assert (told in run.text) == bool(changed), run.text
    assert set(run.jobs()) == {"verify"}
    return found


def states(project) -> dict[str, str]:
    return {path: state for path, (state, _) in verdicts(project).items()}


def flip_bit(path) -> None:
    """Change one bit of a file's data."""
    content = bytearray(path.read_bytes())
    offset = len(content) // 2
    if path.suffix == ".h5":
        with h5py.File(path) as h5:
            found = []
            h5.visititems(lambda _, item: found.append(item))
            data = max((x for x in found if isinstance(x, h5py.Dataset)), key=lambda x: x.size)
            chunk = data.id.get_chunk_info(0)
            offset = chunk.byte_offset + chunk.size // 2
    content[offset] ^= 0x10
    path.write_bytes(content)


def test_finished(project):
    made = states(project)
    stages = ["frames", "truth", "keypoints", *(f"pose_{k}" for k in range(3))]
    stages += [f"flow_{k}" for k in range(3)]
    scores = ["pose_scores", *(f"flow_scores_{cycle}" for cycle in range(3))]
    files = [f"{stage}.h5" for stage in (*stages, *scores)] + ["flow_1.pt", "flow_2.pt"]
    names = ("figure", "joints", "errors", "losses")
    pictures = [f"{name}.{kind}" for name in names for kind in ("png", "pdf")]
    expected = {
        f"toy/{sequence}/{file}"
        for sequence in ("Walking 1", "right")
        for file in (*files, "moment.h5", *pictures)
    }
    tables = {f"{folder}table.{kind}" for folder in ("", "toy/") for kind in ("csv", "md")}
    tables |= {f"toy/summary.{kind}" for kind in ("csv", "md", "tex")}
    tables |= {"toy/joints.png", "toy/joints.pdf", "toy/overview.html"}
    assert made == dict.fromkeys(expected | tables, "current")


def test_changes_are_found_without_snakemakes_records(project):
    shutil.rmtree(project.folder / ".snakemake")
    assert project.planned() == {}
    config = project.config
    config["pose"]["steps"] = 21
    project.write_config(config)
    project.edit(f"{LIBRARY}/datasets/multiview.py", "_M_PER_MM = 1e-3", "_M_PER_MM = 2e-3")
    found = verdicts(project)
    assert found["toy/right/pose_1.h5"] == ("stale", "steps was 20, is 21")
    assert found["toy/right/truth.h5"] == ("stale", "the code of its stage has changed")
    assert found["toy/right/flow_1.h5"] == ("stale", "results/toy/right/pose_1.h5 is stale")
    for file in ("pose_scores.h5", "flow_scores_2.h5", "flow_2.pt", "figure.png"):
        assert found[f"toy/right/{file}"][0] == "stale", file
    for file in ("frames.h5", "keypoints.h5", "pose_0.h5", "flow_0.h5"):
        assert found[f"toy/right/{file}"][0] == "current", file
    assert found["table.csv"][0] == found["table.md"][0] == "stale"


def test_other_versions_of_the_software_are_told_and_no_reason_to_compute_again(project):
    project.edit(
        f"{LIBRARY}/runtime/software.py",
        'return {"python": platform.python_version()} | _versions(_PACKAGES',
        'return {"python": "2.7"} | _versions(_PACKAGES',
    )
    assert project.planned() == {}
    found = verdicts(project)
    told = f"made with python {platform.python_version()} (here 2.7)"
    assert set(found.values()) == {("current", told)}


def test_changed_inputs_are_found(project):
    inputs = project.folder / "inputs"
    shutil.copy(inputs / "right.avi", inputs / "Walking 1.60457274.avi")
    found = verdicts(project)
    frames = found["toy/Walking 1/frames.h5"]
    assert frames == ("stale", "inputs/Walking 1.60457274.avi has changed")
    assert found["toy/Walking 1/flow_0.h5"][0] == "stale"
    assert found["toy/right/frames.h5"][0] == "current"


def test_damaged_files_are_named_and_made_again(project):
    """A flipped bit in the middle of each kind of file; deleted, they come back as they were."""
    results = project.folder / "results"
    table = (results / "table.csv").read_bytes()
    damaged = [path for path in results.glob("toy/right/*") if path.is_file()]
    damaged += [results / "table.csv", results / "table.md"]
    for path in damaged:
        flip_bit(path)
    found = states(project)
    names = {str(path.relative_to(results)) for path in damaged}
    assert {name for name, state in found.items() if state == "corrupt"} == names
    for path in damaged:
        path.unlink()
    run = project.snakemake(target="all")
    assert run.ok, run.text
    assert (results / "table.csv").read_bytes() == table
    assert set(states(project).values()) == {"current"}


def test_a_stage_names_the_damaged_file_it_reads(project):
    flow = project.folder / "results" / "toy" / "right" / "flow_1.h5"
    flip_bit(flow)
    (flow.parent / "pose_2.h5").unlink()
    run = project.snakemake(target="results/toy/right/pose_2.h5")
    assert not run.ok
    assert "results/toy/right/flow_1.h5: damaged" in run.text
    assert "delete it, and run the workflow to make it again" in run.text
    assert not (flow.parent / "pose_2.h5").exists()
