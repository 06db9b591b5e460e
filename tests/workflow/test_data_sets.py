"""Several data sets in one folder of results: none loses anything to the runs of another."""

import pandas as pd
import pytest
import yaml
from toy import TABLE


@pytest.fixture(scope="module")
def two(finished, tmp_path_factory):
    """Two finished data sets, to be copied before they are changed."""
    project = finished.copy(tmp_path_factory.mktemp("two") / "project")
    add_another(project)
    run = run_another(project)
    assert run.ok, run.text
    return project


def add_another(project):
    """Add another data set, which is yet to be run: one of the sequences, in one cycle."""
    config = project.config | {"dataset": "another", "cycles": 1}
    del config["sequences"]["Walking 1"]
    (project.folder / "config" / "another.yaml").write_text(yaml.safe_dump(config))


def run_another(project, *arguments, target=TABLE):
    """A run with the other data set's config in the place of the toy's."""
    project.configfile = "config/another.yaml"
    try:
        return project.snakemake(*arguments, target=target)
    finally:
        project.configfile = "config/toy.yaml"


def test_a_data_set_that_fails_leaves_the_tables_of_others(project):
    add_another(project)
    before = (project.folder / TABLE).read_bytes()
    video = project.folder / "inputs" / "right.avi"
    video.rename(video.with_suffix(".gone"))
    failed = run_another(project)
    video.with_suffix(".gone").rename(video)
    assert not failed.ok
    assert failed.text.splitlines()[-1] == "frames right: inputs/right.avi: no such video"
    assert (project.folder / TABLE).read_bytes() == before
    assert project.planned() == {}


def test_the_table_is_of_all_data_sets(two):
    results = two.folder / "results"
    table = pd.read_csv(two.folder / TABLE)
    assert list(table["dataset"]) == ["another"] * 4 + ["toy"] * 9
    of_each = [pd.read_csv(results / name / "table.csv") for name in ("another", "toy")]
    pd.testing.assert_frame_equal(table, pd.concat(of_each, ignore_index=True))
    readable = (results / "table.md").read_text()
    assert readable.count("# another\n") == readable.count("# toy\n") == 1
    # Nothing is left to do for either.
    assert two.planned() == {} and run_another(two, "--dry-run").jobs() == {}


def test_a_report_shows_its_own_data_set(two):
    run = run_another(two, "--report", "another.html", target="results/another/table.csv")
    assert run.ok, run.text
    report = (two.folder / "another.html").read_text()
    assert "results/another/table.csv" in report
    assert "results/toy" not in report and '"results/table.csv"' not in report


def test_a_data_set_that_is_removed_leaves_the_table(two, tmp_path):
    project = two.copy(tmp_path / "project")
    (project.folder / "results" / "another" / "table.csv").unlink()
    run = project.snakemake()
    assert run.ok and run.jobs() == {"all_tables": 1}, run.text
    assert set(pd.read_csv(project.folder / TABLE)["dataset"]) == {"toy"}


def test_a_table_that_is_none_is_named(two, tmp_path):
    project = two.copy(tmp_path / "project")
    before = (project.folder / TABLE).read_bytes()
    (project.folder / "results" / "another" / "table.csv").write_text("a,b\n1,2\n")
    run = project.snakemake()
    assert not run.ok
    assert "results/another/table.csv: no table of flowpose" in run.text.splitlines()[-1]
    assert (project.folder / TABLE).read_bytes() == before


def test_a_sequence_that_the_config_lacks_is_no_target(project):
    run = project.snakemake("--dry-run", target="results/toy/nobody/pose_1.h5")
    assert not run.ok
    assert "toy has no sequence 'nobody'" in run.text


def test_a_file_of_a_sequence_that_the_config_lacks_is_given(project):
    """Names of sequences are not listed in the rules' patterns."""
    config = project.config
    del config["sequences"]["Walking 1"]
    config["flow"]["weights"] = "results/toy/Walking 1/flow_2.pt"
    project.write_config(config)
    planned = project.planned("--forceall", target="results/toy/right/flow_1.h5")
    assert planned["flow_initial"] == planned["flow_finetuned"] == planned["frames"] == 1
