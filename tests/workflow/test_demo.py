"""The demo as a user runs it: a real clip, real weights, the default config."""

import pandas as pd
import pytest
from toy import Project, copy_sources

IMPROVED = ["mpjpe_mm", "pa_mpjpe_mm", "accel_mm", "epe_px"]


@pytest.mark.slow
def test_demo_gets_better(tmp_path):
    copy_sources(tmp_path / "project")
    demo = Project(tmp_path / "project", configfile=None)
    run = demo.snakemake()
    assert run.ok, run.text
    table = pd.read_csv(demo.folder / "results" / "table.csv")
    errors = table.set_index(["sequence", "cycle"])[IMPROVED]
    assert set(table["sequence"]) == {"cam01", "cam04", "mean"}
    for sequence in ("cam01", "cam04", "mean"):
        for cycle in (1, 2):
            better = errors.loc[sequence, cycle] < errors.loc[sequence, 0]
            assert better.all(), f"{sequence}, cycle {cycle}: {errors.loc[sequence]}"
    assert "Nothing to be done" in demo.snakemake().text
