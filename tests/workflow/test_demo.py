"""The demo as a user runs it, but for one of its cameras and part of its clip; real weights."""

import pandas as pd
import pytest
import yaml
from toy import Project, copy_sources

IMPROVED = ["mpjpe_mm", "pa_mpjpe_mm", "accel_mm", "epe_px"]


@pytest.mark.slow
def test_demo_gets_better(tmp_path):
    copy_sources(tmp_path / "project")
    demo = Project(tmp_path / "project", configfile=None)
    path = demo.folder / "config" / "config.yaml"
    config = yaml.safe_load(path.read_text())
    del config["sequences"]["cam01"]
    config["frames"]["first"] = 30
    path.write_text(yaml.safe_dump(config))
    run = demo.snakemake()
    assert run.ok, run.text
    table = pd.read_csv(demo.folder / "results" / "table.csv")
    errors = table.set_index(["sequence", "cycle"])[IMPROVED]
    assert set(table["sequence"]) == {"cam04", "mean"}
    for cycle in (1, 2):
        better = errors.loc["cam04", cycle] < errors.loc["cam04", 0]
        assert better.all(), f"cycle {cycle}: {errors.loc['cam04']}"
    assert "Nothing to be done" in demo.snakemake().text
