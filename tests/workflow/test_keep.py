"""Without frames or flows once they are used up: what is left is current, and goes on."""

import shutil

import pandas as pd
import pytest
from test_verify import LIBRARY, verdicts
from toy import TABLE


@pytest.fixture(scope="module")
def lean(finished, tmp_path_factory):
    """A project of one sequence, finished with both keys off, pictures, page, video and exports."""
    project = finished.copy(tmp_path_factory.mktemp("lean") / "project")
    for folder in ("results", ".snakemake"):
        shutil.rmtree(project.folder / folder)
    config = project.config
    config["keep"] = {"frames": False, "flows": False}
    config["exports"] = ["pose.csv", "flow/flo", "page.html", "overlay.mp4"]
    project.write_config(config)
    project.keep_only("right")
    run = project.snakemake(target="all")
    assert run.ok, run.text
    return project


def test_frames_and_flows_are_deleted_and_nothing_is_to_be_done(lean, finished):
    results = lean.folder / "results"
    gone = {"frames.h5", *(f"flow_{k}.h5" for k in range(3)), "flow_1.pt", "flow_2.pt"}
    left = {path.name for path in results.glob("toy/right/*.*")}
    all_of_it = {path.name for path in (finished.folder / "results").glob("toy/right/*.*")}
    assert left == all_of_it - gone | {"pose.csv", "small_frames.h5", "page.html", "overlay.mp4"}
    flows = [f"{t:06}_{t + 2:06}.flo" for t in range(0, 8, 2)]
    assert sorted(path.name for path in results.glob("toy/right/flow/flo/[!.]*")) == flows
    rows = [(project.folder / TABLE).read_text().splitlines() for project in (lean, finished)]
    assert rows[0][1:4] == rows[1][4:7]
    assert lean.planned(target="all") == {}


def test_what_is_left_is_current(lean):
    found = verdicts(lean)
    for path, (state, why) in found.items():
        if path.endswith(("/frames.h5", ".pt")) or "/flow_" in path.replace("flow_scores", ""):
            assert (state, why) == ("missing", "deleted once it was used, see keep"), path
        else:
            assert (state, why) == ("current", ""), path
    assert len(found) == 39
    for export in ("flow/flo", "pose.csv", "page.html", "overlay.mp4"):
        assert found[f"toy/right/{export}"] == ("current", "")


def test_a_pose_is_exported_without_frames_and_flows(lean):
    for name in ("pose.npz", "pose.coco.json"):
        assert lean.planned(target=f"results/toy/right/{name}") == {"pose_export": 1}
    assert lean.planned(target="results/toy/right/openpose") == {"openpose_export": 1}


@pytest.mark.parametrize(
    ("path", "value", "file", "why"),
    [
        (
            ("flow", "learning_rate"),
            2e-5,
            "pose_2.h5",
            "results/toy/right/flow_1.h5 is gone, and would be made otherwise: "
            "learning_rate was 0.0001, is 2e-05",
        ),
        # What the pose was refined against.
        (
            ("flow", "updates"),
            3,
            "pose_1.h5",
            "results/toy/right/flow_0.h5 is gone, and would be made otherwise: updates was 2, is 3",
        ),
        (
            ("frames", "step"),
            1,
            "truth.h5",
            "results/toy/right/frames.h5 is gone, and would be made otherwise: used was ",
        ),
    ],
)
def test_what_is_left_of_other_settings_is_stale(lean, tmp_path, path, value, file, why):
    project = lean.copy(tmp_path / "project")
    config = project.config
    config.setdefault(path[0], {})[path[1]] = value
    project.write_config(config)
    state, found = verdicts(project)[f"toy/right/{file}"]
    assert state == "stale" and found.startswith(why)


def test_what_is_to_look_at_is_made_again_without_frames_and_flows(lean, tmp_path):
    """A picture that is lost, and a page in another style."""
    project = lean.copy(tmp_path / "project")
    picture, page = (
        project.folder / "results" / "toy" / "right" / name for name in ("figure.png", "page.html")
    )
    before, old = picture.read_bytes(), "const RATE = 10;"
    picture.unlink()
    assert old in page.read_text()
    script = "workflow/scripts/flowpose/pictures/sequence_page.js"
    project.edit(script, old, "const RATE = 20;")
    run = project.snakemake(target="all")
    assert run.ok and run.jobs() == {"figure": 1, "page": 1, "all": 1}, run.text
    assert picture.read_bytes() == before
    assert old not in page.read_text()


def test_a_changed_metric_of_poses_needs_no_flows(lean, tmp_path):
    """An edit of it brings none back, and changes its own columns."""
    project = lean.copy(tmp_path / "project")
    project.edit(f"{LIBRARY}/evaluation/pose_metrics.py", "_PCK_MM = 150", "_PCK_MM = 600")
    before = pd.read_csv(project.folder / TABLE)
    run = project.snakemake()
    assert run.ok and run.jobs() == {"pose_scores": 1, "table": 1, "all_tables": 1}, run.text
    after = pd.read_csv(project.folder / TABLE)
    for metric in ("pck_150_percent", "auc_150_percent"):
        assert (after.pop(metric) > before.pop(metric) + 10).all()
    pd.testing.assert_frame_equal(after, before)


def test_a_third_cycle_gives_what_three_at_once_give(lean, finished, tmp_path):
    """The flows it goes on from are computed again."""
    tables = []
    for name, project in (("lean", lean), ("kept", finished)):
        more = project.copy(tmp_path / name)
        more.write_config(lean.config | {"cycles": 3, "keep": project.config.get("keep", {})})
        run = more.snakemake()
        assert run.ok, run.text
        tables.append(pd.read_csv(more.folder / TABLE))
    assert list(tables[0]["cycle"]) == [0, 1, 2, 3] * 2
    pd.testing.assert_frame_equal(*tables)
