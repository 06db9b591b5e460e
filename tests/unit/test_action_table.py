import numpy as np
import pandas as pd
import pytest

from flowpose.errors import InputError
from flowpose.evaluation.action_table import collect_by_action, write_by_action
from flowpose.evaluation.flow_metrics import FLOW_METRICS
from flowpose.evaluation.pose_metrics import POSE_METRICS
from flowpose.evaluation.sequence_scores import METRICS
from flowpose.version import __version__

# All are known here: what stands in for others has no row.
SHOWN = [metric for metric in METRICS if not metric.spare]
ACTIVITIES = {"walk": "Walking", "walk 1": "Walking", "sit": "Sitting", "fell": "Falling"}
ORDER = ("Falling", "Sitting", "Standing", "Walking")


@pytest.fixture
def table(score_files, failed_files):
    """Of two sequences of one activity, 10 and 30 frames long, one of another, and a failure."""
    scores = {
        "walk": score_files("walk", poses=[4], flows=[4, 2]),
        "walk 1": score_files("walk 1", poses=[8], flows=[8, 4], n_frames=30, n_scored=30),
        "sit": score_files("sit", poses=[1], flows=[1, 0.5]),
        "fell": failed_files("fell", "no such video"),
    }
    return collect_by_action(scores, ACTIVITIES, ORDER)


def test_there_are_two_rows_a_metric_and_a_column_an_activity(table):
    assert table["metric"].tolist() == [metric.name for metric in SHOWN for _ in range(2)]
    assert table["when"].tolist() == ["before", "after"] * len(SHOWN)
    columns = ["Sitting", "Walking", "mean over frames", "mean over actions", "low", "high"]
    assert list(table.columns[2:]) == columns


def test_means_are_over_frames_and_over_activities(table):
    rows = table.set_index(["metric", "when"])
    walking = (10 * 4 + 30 * 8) / 40
    over_frames = (10 * 4 + 30 * 8 + 10 * 1) / 50
    expected = np.array([1, walking, over_frames, (1 + walking) / 2])
    for metric in SHOWN:
        np.testing.assert_allclose(rows.loc[(metric.name, "before")].iloc[:4], expected)
    np.testing.assert_allclose(rows.loc[("epe_px", "after")].iloc[:4], expected / 2)
    np.testing.assert_allclose(rows.loc[("mpjpe_mm", "after")].iloc[:4], expected)


def test_a_table_of_failures_only_is_an_error(failed_files):
    with pytest.raises(InputError, match="all sequences failed"):
        collect_by_action({"fell": failed_files("fell", "no video")}, ACTIVITIES, ORDER)


def test_an_activity_that_is_not_known_has_an_empty_cell(score_files, tmp_path):
    files = {
        "walk": score_files("walk", poses=[np.nan], flows=[4]),
        "sit": score_files("sit", poses=[1], flows=[1]),
    }
    table = collect_by_action(files, ACTIVITIES, ORDER)
    poses, flows = ({metric.name for metric in of} for of in (POSE_METRICS, FLOW_METRICS))
    assert set(table["metric"]) == poses | flows - {"pose_flow_height_percent"}
    assert set(table["metric"][table["Walking"].isna()]) == poses
    paths = [tmp_path / f"by_action.{kind}" for kind in ("csv", "md", "tex")]
    write_by_action(table, "h36m", *paths, config="h36m.yaml")
    assert not any("nan" in path.read_text().lower() for path in paths)


def test_files_have_headings_and_digits_of_the_metrics(table, tmp_path):
    csv, markdown, latex = (tmp_path / f"by_action.{kind}" for kind in ("csv", "md", "tex"))
    write_by_action(table, "h36m", csv, markdown, latex, config="my_h36m.yaml")
    pd.testing.assert_frame_equal(pd.read_csv(csv), table, check_dtype=False)
    lines = markdown.read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    assert len(rows) == 2 + 2 * len(SHOWN)
    of = table.set_index(["metric", "when"])
    half = (of["high"] - of["low"]) / 2
    before, after = half[("mpjpe_mm", "before")], half[("epe_px", "after")]
    assert before > 0.1
    # Both poses are alike: both are best.
    names = ["**1.0**", "**7.0**", "**5.8**", f"**4.0** ± {before:.1f}"]
    assert ["MPJPE (mm)", "before", *names] in rows
    assert ["EPE (px)", "before", "1.000", "7.000", "5.800", f"4.000 ± {before:.3f}"] in rows
    names = ["**0.500**", "**3.500**", "**2.900**", f"**2.000** ± {after:.3f}"]
    assert ["EPE (px)", "after", *names] in rows
    assert lines[-1].startswith(f"h36m (my_h36m.yaml), flowpose {__version__}: means by action")
    tex = latex.read_text()
    assert r"PCK at 150 mm (\%) & before & \textbf{1.0}" in tex
    assert r"EPE (px) & after & \textbf{0.500} & \textbf{3.500}" in tex
    assert rf"\textbf{{2.000}} {{\scriptsize $\pm$ {after:.3f}}} \\" in tex
    # More columns than a page has room for.
    assert r"\resizebox{\textwidth}{!}{%" in tex and "\\end{tabular}}\n" in tex
    assert r"\caption{h36m (my\_h36m.yaml), flowpose" in tex and r"95 \%" in tex
