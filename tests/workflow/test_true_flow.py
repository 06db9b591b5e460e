"""A sequence of which the flow of every pixel is known, beside one of which it is not."""

import cv2
import numpy as np
import pandas as pd
import pytest
from toy import N_FRAMES, SIDE, STEP

DENSE = ["epe_person_px", "epe_border_px", "epe_background_px", "epe_everywhere_px"]
PAIRS = N_FRAMES // STEP


@pytest.fixture(scope="module")
def project(finished, tmp_path_factory):
    """The toy project with a true flow of (3, -2) px and a person in the middle of the picture."""
    project = finished.copy(tmp_path_factory.mktemp("dense") / "project")
    flow, persons = (project.folder / "inputs" / "dense" / name for name in ("flow", "person"))
    for folder in (flow, persons):
        folder.mkdir(parents=True)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[30:90, 50:70] = 255
    for t in range(PAIRS + 1):
        cv2.imwrite(str(persons / f"{t:03}.png"), mask)
    for t in range(PAIRS):
        field = np.full((SIDE, SIDE, 2), np.float32([3, -2]))
        cv2.writeOpticalFlow(str(flow / f"{t:03}.flo"), field)
    config = project.config
    config["sequences"]["right"]["true_flow"] = {
        "folder": "inputs/dense/flow",
        "persons": "inputs/dense/person",
    }
    project.write_config(config)
    return project


def test_only_scores_of_flows_run_again_and_the_table_has_parts_of_the_picture(project):
    run = project.snakemake()
    assert run.ok, run.text
    assert run.jobs() == {"true_flow": 1, "flow_scores": 3, "table": 1, "all_tables": 1}
    table = pd.read_csv(project.folder / "results" / "table.csv").set_index("sequence")
    assert table.loc["Walking 1", DENSE].isna().all(axis=None)
    assert (table.loc["right", DENSE] > 0).all(axis=None)
    np.testing.assert_array_equal(table.loc["right", DENSE], table.loc["mean", DENSE])
    share = 60 * 20 / SIDE**2
    for row in table.loc["right"].itertuples():
        everywhere = share * row.epe_person_px + (1 - share) * row.epe_background_px
        assert row.epe_everywhere_px == pytest.approx(everywhere, rel=1e-4)
    assert project.planned() == {}
    verified = project.snakemake(target="verify").text
    assert "current  results/toy/right/true_flow.h5" in verified, verified
    assert "current  results/toy/right/flow_scores_2.h5" in verified, verified


def test_a_file_that_comes_into_the_folder_is_noticed_and_is_one_too_many(project):
    extra = project.folder / "inputs" / "dense" / "flow" / "999.flo"
    cv2.writeOpticalFlow(str(extra), np.zeros((SIDE, SIDE, 2), np.float32))
    assert project.planned() == {"true_flow": 1, "flow_scores": 3, "table": 1, "all_tables": 1}
    run = project.snakemake()
    assert not run.ok
    assert f"dense/flow: {PAIRS + 1} files of flow for {PAIRS} pairs of frames" in run.text
    extra.unlink()
