import numpy as np
import pandas as pd
import pytest

from flowpose.errors import InputError
from flowpose.evaluation.scores import METRICS
from flowpose.evaluation.sequence_table import collect, write
from flowpose.storage import stage_files


@pytest.fixture
def metrics(tmp_path, provenance):
    """Writes a metrics.h5 in which every metric has one mean a cycle."""

    def run(name, means, n_frames):
        path = tmp_path / f"{name}.h5"
        with stage_files.create(path, provenance) as h5:
            for cycle, mean in enumerate(means):
                group = h5.create_group(f"cycle_{cycle}")
                for metric in METRICS:
                    values = np.full((n_frames, 14), mean)
                    stage_files.add(group, metric, values, axes="frame joint")
                    valid = np.ones(values.shape, bool)
                    stage_files.add(group, f"valid_{metric}", valid, axes="frame joint")
        return path

    return run


@pytest.fixture
def failed(tmp_path, provenance):
    """Writes a metrics.h5 of a sequence that failed."""

    def run(name, reason):
        stage_files.write_failure(tmp_path / f"{name}.h5", provenance, reason)
        return tmp_path / f"{name}.h5"

    return run


def test_there_is_a_row_a_sequence_and_cycle_and_their_mean(metrics):
    paths = {"walk": metrics("walk", [4, 2], 10), "sit": metrics("sit", [8, 5], 30)}
    table = collect("mine", paths, allow_missing=False)
    assert list(table.columns) == ["dataset", "sequence", "cycle", "n_frames", *METRICS]
    assert table["sequence"].tolist() == ["walk"] * 2 + ["sit"] * 2 + ["mean"] * 2
    assert table["cycle"].tolist() == [0, 1] * 3
    assert table["mpjpe_mm"].tolist() == [4, 2, 8, 5, 6, 3.5]
    assert table["epe_px"].tolist() == [4, 2, 8, 5, 6, 3.5]
    assert table["n_frames"].tolist() == [10, 10, 30, 30, 40, 40]
    assert set(table["dataset"]) == {"mine"}


def test_a_mean_leaves_out_sequences_without_a_metric(metrics):
    paths = {"walk": metrics("walk", [4], 10), "sit": metrics("sit", [np.nan], 30)}
    table = collect("mine", paths, allow_missing=False)
    assert table["mpjpe_mm"].tolist()[::2] == [4, 4]
    assert np.isnan(table["mpjpe_mm"][1])


def test_a_sequence_that_failed_stops_the_table(metrics, failed):
    paths = {"walk": metrics("walk", [4], 10), "sit": failed("sit", "no such video")}
    message = r"1 of 2 sequences failed: sit: no such video .*delete .*/<sequence> to try again"
    with pytest.raises(InputError, match=message):
        collect("mine", paths, allow_missing=False)


def test_a_sequence_that_failed_gets_a_row_that_says_why_where_allowed(metrics, failed):
    paths = {"sit": failed("sit", "no such video"), "walk": metrics("walk", [4, 2], 10)}
    table = collect("mine", paths, allow_missing=True)
    row = table[table["sequence"] == "sit"].iloc[0]
    assert row["missing"] == "no such video"
    assert pd.isna(row["mpjpe_mm"])
    assert pd.isna(row["cycle"])
    mean = table[table["sequence"] == "mean"]
    assert mean["mpjpe_mm"].tolist() == [4, 2]
    assert mean["n_frames"].tolist() == [10, 10]


def test_a_table_of_failures_only_is_an_error(failed):
    with pytest.raises(InputError, match=r"mine: all sequences failed: .*no such video"):
        collect("mine", {"sit": failed("sit", "no such video")}, allow_missing=True)


def test_a_metrics_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none.h5: no such file"):
        collect("mine", {"none": tmp_path / "none.h5"}, allow_missing=True)


@pytest.fixture
def written(metrics, failed, tmp_path):
    paths = {"walk": metrics("walk", [4.123456789], 10), "sit": failed("sit", "no such video")}
    table = collect("mine", paths, allow_missing=True)
    write(table, tmp_path / "table.csv", tmp_path / "table.md")
    return tmp_path


def test_csv_is_the_table(written):
    table = pd.read_csv(written / "table.csv")
    assert table["sequence"].tolist() == ["walk", "sit", "mean"]
    assert table["mpjpe_mm"][0] == pytest.approx(4.12346)
    assert table["missing"][1] == "no such video"
    assert "0,10," in (written / "table.csv").read_text(), "cycles and frames are whole numbers"


def test_markdown_has_titles_units_and_rounded_numbers(written):
    lines = (written / "table.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    assert lines[0] == "# mine"
    assert rows[0][:4] == ["sequence", "cycle", "n_frames", "MPJPE (mm)"]
    assert rows[0][7:9] == ["EPE (px)", "EPE, reference's count (px)"]
    assert rows[2][:9] == ["walk", "0", "10", *["4.1"] * 4, *["4.123"] * 2]
    assert rows[3][:4] == ["sit", "", "", ""]
    assert rows[3][-1] == "no such video"
    assert rows[4][:2] == ["mean", "0"]
