from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flowpose.errors import InputError
from flowpose.evaluation.flow_metrics import FLOW_METRICS
from flowpose.evaluation.sequence_scores import METRICS, ScoreFiles
from flowpose.evaluation.sequence_table import collect, documentation, join, write

COUNTED = ["dataset", "sequence", "cycle", "n_frames", "n_scored"]
# Of which there are columns where all is known: not those that stand in for others.
SHOWN = [metric for metric in METRICS if not metric.spare]
COLUMNS = [*COUNTED, *(metric.name for metric in SHOWN)]
ROOT = Path(__file__).parents[2]


def test_there_is_a_row_a_sequence_and_cycle_and_their_mean(score_files):
    paths = {
        "walk": score_files("walk", poses=[4], flows=[4, 2], n_frames=12, n_scored=10),
        "sit": score_files("sit", poses=[8], flows=[8, 5], n_frames=30, n_scored=30),
    }
    table = collect("mine", paths, allow_missing=False)
    assert list(table.columns) == COLUMNS
    assert table["sequence"].tolist() == ["walk"] * 2 + ["sit"] * 2 + ["mean"] * 2
    assert table["cycle"].tolist() == [0, 1] * 3
    assert table["mpjpe_mm"].tolist() == [4, 4, 8, 8, 6, 6]
    assert table["epe_px"].tolist() == [4, 2, 8, 5, 6, 3.5]
    assert table["n_frames"].tolist() == [12, 12, 30, 30, 42, 42]
    assert table["n_scored"].tolist() == [10, 10, 30, 30, 40, 40]
    assert set(table["dataset"]) == {"mine"}


def test_a_mean_leaves_out_sequences_without_a_metric(score_files):
    paths = {
        "walk": score_files("walk", poses=[4], flows=[4]),
        "sit": score_files("sit", poses=[np.nan], flows=[6], n_scored=0, n_frames=3),
    }
    table = collect("mine", paths, allow_missing=False)
    assert table["mpjpe_mm"].tolist()[::2] == [4, 4]
    assert np.isnan(table["mpjpe_mm"][1])
    assert table["n_frames"].tolist() == [10, 3, 13]
    assert table["n_scored"].tolist() == [10, 0, 10]


@pytest.mark.parametrize(
    ("pose", "flow", "known"),
    [(np.nan, 3, [m.name for m in FLOW_METRICS if not m.spare]), (np.nan, np.nan, [])],
)
def test_a_metric_that_is_known_for_no_sequence_has_no_column(
    score_files, tmp_path, pose, flow, known
):
    table = collect(
        "mine", {"walk": score_files("walk", poses=[pose], flows=[flow])}, allow_missing=False
    )
    write(table, tmp_path / "table.csv", tmp_path / "table.md")
    assert list(pd.read_csv(tmp_path / "table.csv").columns) == [*COUNTED, *known]
    readable = (tmp_path / "table.md").read_text()
    for metric in METRICS:
        assert readable.count(metric.heading) == (2 if metric.name in known else 0)
    assert "nan" not in readable.lower()


# What is known without a truth, with one in the picture only, and with one in space.
WITHOUT = {
    "pose_detections_px": 1,
    "bone_sd_mm": 2,
    "pose_accel_m_s2": 3,
    "pose_jerk_m_s3": 4,
}
IN_PICTURE = WITHOUT | {"motion_px": 5, "error_2d_px": 6, "pck_2d_percent": 7}
WITHOUT_FLOW = {"pose_flow_px": 8, "pose_flow_height_percent": 9}


def columns_of(table):
    return [name for name in table.columns if name not in COUNTED]


def test_without_a_truth_the_table_has_what_can_be_said_and_no_error(score_files):
    files = score_files("walk", poses=[WITHOUT, WITHOUT], flows=[WITHOUT_FLOW] * 2)
    table = collect("mine", {"walk": files}, allow_missing=False)
    assert columns_of(table) == [*WITHOUT, *WITHOUT_FLOW]
    assert table.loc[1, "bone_sd_mm"] == 2 and table.loc[1, "pose_flow_height_percent"] == 9


def test_with_a_truth_in_the_picture_only_errors_are_those_there(score_files):
    flow = WITHOUT_FLOW | {"epe_px": 1, "epe_height_percent": 2, "epe_reference": 3}
    files = score_files("walk", poses=[IN_PICTURE], flows=[flow])
    found = columns_of(collect("mine", {"walk": files}, allow_missing=False))
    in_order = ["motion_px", "error_2d_px", "pck_2d_percent", *WITHOUT]
    assert found == [*in_order, "epe_px", "epe_height_percent", "epe_reference", "pose_flow_px"]


def test_what_stands_in_is_there_if_one_of_the_sequences_lacks_the_truth(score_files):
    files = {
        "known": score_files("known", poses=[4], flows=[4]),
        "not": score_files("not", poses=[WITHOUT], flows=[WITHOUT_FLOW]),
    }
    table = collect("mine", files, allow_missing=False)
    assert columns_of(table) == [metric.name for metric in METRICS]
    assert table["pose_jerk_m_s3"].tolist() == [4, 4, 4]
    assert table["mpjpe_mm"].tolist()[::2] == [4, 4] and np.isnan(table["mpjpe_mm"][1])


def test_tables_of_data_sets_with_and_without_truth_are_joined(score_files, tmp_path):
    """Each keeps its rows and what it knows, and is told without what it does not."""
    for name, pose, flow in (("known", 4, 4), ("unknown", WITHOUT, WITHOUT_FLOW)):
        files = {"walk": score_files(name, poses=[pose], flows=[flow])}
        table = collect(name, files, allow_missing=False)
        write(table, tmp_path / f"{name}.csv", tmp_path / f"{name}.md")
    paths = [tmp_path / "known.csv", tmp_path / "unknown.csv"]
    joined = join(paths)
    write(joined, tmp_path / "table.csv", tmp_path / "table.md")
    alone = [pd.read_csv(path) for path in paths]
    assert columns_of(joined) == [
        metric.name for metric in METRICS if any(metric.name in table for table in alone)
    ]
    for table in alone:
        rows = joined[joined["dataset"] == table["dataset"][0]]
        rows = rows.dropna(axis="columns", how="all").reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, table, check_dtype=False)
    heads = [line for line in (tmp_path / "table.md").read_text().splitlines() if "cycle |" in line]
    assert ["MPJPE (mm)" in head for head in heads] == [True, False]
    assert ["Jerk (m/s³)" in head for head in heads] == [False, True]


def test_frames_that_a_refinement_repaired_or_masked_are_counted_where_there_are_any(
    score_files, tmp_path
):
    paths = {
        "walk": score_files("walk", poses=[4, 4], flows=[4, 2, 1], repaired=[0, 3]),
        "sit": score_files("sit", poses=[8, 8], flows=[8, 5, 1], repaired=[0, 1]),
    }
    table = collect("mine", paths, allow_missing=False)
    assert table["n_repaired"].tolist() == [0, 3, 3, 0, 1, 1, 0, 4, 4]
    assert "n_masked" not in table
    write(table, tmp_path / "table.csv", tmp_path / "table.md")
    assert "- n_repaired: frames" in (tmp_path / "table.md").read_text()
    assert "n_masked" not in (tmp_path / "table.md").read_text()


def test_a_sequence_that_failed_stops_the_table(score_files, failed_files):
    paths = {
        "walk": score_files("walk", poses=[4], flows=[4, 4]),
        "sit": failed_files("sit", "no such video"),
    }
    message = r"1 of 2 sequences failed: sit: no such video .*delete .*/<sequence> to try again"
    with pytest.raises(InputError, match=message):
        collect("mine", paths, allow_missing=False)


def test_a_sequence_that_failed_gets_a_row_that_says_why_where_allowed(score_files, failed_files):
    paths = {
        "sit": failed_files("sit", "no such video"),
        "walk": score_files("walk", poses=[4, 2], flows=[4, 2]),
    }
    table = collect("mine", paths, allow_missing=True)
    row = table[table["sequence"] == "sit"].iloc[0]
    assert row["missing"] == "no such video"
    assert pd.isna(row["mpjpe_mm"])
    assert pd.isna(row["cycle"])
    mean = table[table["sequence"] == "mean"]
    assert mean["mpjpe_mm"].tolist() == [4, 2]
    assert mean["n_frames"].tolist() == [10, 10]


def test_a_table_of_failures_only_is_an_error(failed_files):
    with pytest.raises(InputError, match=r"mine: all sequences failed: .*no such video"):
        collect("mine", {"sit": failed_files("sit", "no such video")}, allow_missing=True)


def test_a_table_of_no_sequences_is_an_error():
    with pytest.raises(InputError, match="mine: no sequences"):
        collect("mine", {}, allow_missing=True)


def test_a_file_of_scores_that_is_not_there_is_named(tmp_path):
    files = ScoreFiles(tmp_path / "none.h5", ())
    with pytest.raises(InputError, match=r"none.h5: no such file"):
        collect("mine", {"none": files}, allow_missing=True)


@pytest.fixture
def written(score_files, failed_files, tmp_path):
    paths = {
        "walk": score_files("walk", poses=[4.123456789], flows=[4.123456789], n_scored=8),
        "sit": failed_files("sit", "no such video"),
    }
    table = collect("mine", paths, allow_missing=True)
    write(table, tmp_path / "table.csv", tmp_path / "table.md")
    return tmp_path


def test_csv_is_the_table(written):
    table = pd.read_csv(written / "table.csv")
    assert table["sequence"].tolist() == ["walk", "sit", "mean"]
    assert table["mpjpe_mm"][0] == pytest.approx(4.12346)
    assert table["missing"][1] == "no such video"
    assert "0,10,8," in (written / "table.csv").read_text(), "cycles and frames are whole numbers"


def test_markdown_has_titles_units_and_rounded_numbers(written):
    lines = (written / "table.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    assert lines[0] == "# mine"
    assert rows[0][:4] == ["sequence", "cycle", "n_frames", "n_scored"]
    assert rows[0][4:-1] == [metric.heading for metric in SHOWN]
    assert rows[2][:4] == ["walk", "0", "10", "8"]
    cells = dict(zip(rows[0], rows[2], strict=True))
    assert cells["MPJPE (mm)"] == cells["PCK at 150 mm (%)"] == "4.1"
    assert cells["EPE (px)"] == cells["EPE, reference's count (px)"] == "4.123"
    assert rows[3][:4] == ["sit", "", "", ""]
    assert rows[3][-1] == "no such video"
    assert rows[4][:2] == ["mean", "0"]


def test_markdown_explains_the_columns(written):
    notes = (written / "table.md").read_text().rpartition("|\n")[2]
    assert "- MPJPE (mm): mean distance of the joints from the truth" in notes
    assert "share a pixel once, divided by 32 joints" in notes
    assert "- PCK at 150 mm (%): percentage" in notes and "higher is better" in notes


def test_readme_explains_the_columns():
    rows = documentation()
    readme = (ROOT / "README.md").read_text()
    table = readme.partition("| column | meaning |\n|---|---|\n")[2].partition("\n\n")[0]
    assert table.splitlines() == rows, "in README.md, under `column`, paste:\n" + "\n".join(rows)


def test_every_metric_is_defined():
    """docs/metrics.md has a section for each, with its name and unit."""
    text = (ROOT / "docs" / "metrics.md").read_text()
    for metric in METRICS:
        rows = [line for line in text.splitlines() if line.startswith(f"| `{metric.name}` | ")]
        assert len(rows) == 1 and f"| {metric.unit} |" in rows[0], metric.name
