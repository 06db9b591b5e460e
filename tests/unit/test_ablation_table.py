"""What a table of variants says: means, paired differences, and how sure they are."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from flowpose.errors import InputError
from flowpose.evaluation.ablation_table import (
    MAIN_METRICS,
    VariantScores,
    collect_ablation,
    frame_values,
)
from flowpose.evaluation.ablation_text import write_ablation
from flowpose.evaluation.metric import Scores
from flowpose.evaluation.paper_table import latex_table
from flowpose.pictures.ablation_figure import _draw_metric, draw_ablation, read_ablation
from flowpose.version import __version__

METRICS = {metric.name: metric for metric in MAIN_METRICS if not metric.instead_of}
ENDS = ("_low", "_high", "_difference")
WITHOUT_TRUTH = {metric.name: metric for metric in MAIN_METRICS if metric.instead_of}


def of_cycle(files, cycle):
    """The flow of one cycle, as a rule gives it."""
    return type(files)(files.poses, [files.flows[cycle]])


@pytest.fixture
def variants(score_files, rng):
    """The estimate; a pose that is better by 3 or so, as is its flow; and a worse one, by 1.

    The two sequences are alike in nothing, so that values vary much more than differences.
    """
    drift = [rng.normal(100, 30, 40), rng.normal(50, 10, 20)]
    changes = [
        [np.zeros_like(of) for of in drift],
        [rng.normal(-3, 1, len(of)) for of in drift],
        [np.ones_like(of) for of in drift],
    ]
    names = ("as estimated", "with flow_1", "worse")
    found = []
    for k, (name, change) in enumerate(zip(names, changes, strict=True)):
        files = {
            sequence: score_files(
                f"{name} {sequence}",
                poses=[of, of + by],
                flows=[of, of + by],
                n_frames=len(of),
                n_scored=len(of),
            )
            for sequence, of, by in zip(("walk", "run"), drift, change, strict=True)
        }
        cycle = min(k, 1)
        files = {sequence: of_cycle(of, cycle) for sequence, of in files.items()}
        found.append(VariantScores(name, None if k == 0 else names[k - 1], cycle, files))
    means = [np.mean([(of + by).mean() for of, by in zip(drift, c, strict=True)]) for c in changes]
    return found, means


def test_means_are_over_sequences_and_differences_on_the_same_frames(variants):
    found, means = variants
    table = collect_ablation(found, allow_missing=False).set_index("variant")
    assert list(table.index) == ["as estimated", "with flow_1", "worse"]
    assert list(table["n_sequences"]) == [2] * 3 and list(table["n_frames"]) == [60] * 3
    assert set(table["interval_over"]) == {"blocks of frames"}
    for name in METRICS:
        np.testing.assert_allclose(table[name], means, rtol=1e-12)
        assert (table[f"{name}_low"] < table[name]).all()
        assert (table[f"{name}_high"] > table[name]).all()
        difference, low, high = (
            table[f"{name}_difference{end}"].to_numpy() for end in ("", "_low", "_high")
        )
        assert np.isnan(difference[0]) and np.isnan(low[0])
        np.testing.assert_allclose(difference[1:], np.diff(means), rtol=1e-9)
        # By themselves the two are not told apart; on the same frames they are.
        assert table[f"{name}_high"].iloc[1] > means[0] and high[1] < -2 and low[1] > -4
    assert "missing" not in table and not any(name in table for name in WITHOUT_TRUTH)


def test_a_constant_difference_is_sure(score_files):
    worse = {
        "walk": score_files("more", poses=[7.0], flows=[7.0]),
        "run": score_files("less", poses=[4.0], flows=[4.0]),
    }
    by_two = {
        "walk": score_files("more 2", poses=[5.0], flows=[5.0]),
        "run": score_files("less 2", poses=[2.0], flows=[2.0]),
    }
    table = collect_ablation(
        [VariantScores("a", None, 0, worse), VariantScores("b", "a", 0, by_two)],
        allow_missing=False,
    )
    ends = [f"mpjpe_mm_difference{end}" for end in ("", "_low", "_high")]
    assert table.loc[1, ends].tolist() == pytest.approx([-2.0] * 3)


def test_values_of_frames_have_the_mean_over_all_that_counts(rng):
    values, valid = rng.normal(size=(30, 14)), rng.random((30, 14)) < 0.5
    valid[4] = False
    found = frame_values(Scores(values, valid, "mm"))
    assert np.isnan(found[4]) and np.isfinite(np.delete(found, 4)).all()
    assert np.nanmean(found) == pytest.approx(values[valid].mean(), rel=1e-12)
    full = Scores(values, np.ones_like(valid), "mm")
    np.testing.assert_allclose(frame_values(full), values.mean(1))
    assert np.isnan(frame_values(Scores(values, np.zeros_like(valid), "mm"))).all()


def test_what_nothing_is_known_of_has_no_column(score_files, tmp_path):
    files = {"walk": score_files("walk", poses=[np.nan], flows=[4.0])}
    alone = [VariantScores("a", None, 0, files), VariantScores("b", "a", 0, files)]
    table = collect_ablation(alone, allow_missing=False)
    assert "epe_px" in table and "mpjpe_mm" not in table
    assert not any(name.startswith("mpjpe_mm") for name in table)
    paths = [tmp_path / f"ablation.{kind}" for kind in ("csv", "md", "tex", "png", "pdf")]
    write_ablation(table, "mine", *paths[:3], config="a.yaml")
    draw_ablation(read_ablation(paths[0]), *paths[3:], title="mine")
    assert "EPE" in paths[1].read_text() and "MPJPE" not in paths[1].read_text()
    assert paths[3].read_bytes().startswith(b"\x89PNG")
    assert paths[4].read_bytes().startswith(b"%PDF")


def test_without_any_truth_the_table_has_what_takes_none(score_files, tmp_path, rng):
    """Of bones there is one value a sequence: a mean, but no interval."""
    values = rng.normal(10, 1, 12)

    def files(name, by):
        means = dict.fromkeys((*WITHOUT_TRUTH, "pose_jerk_m_s3"), values + by)
        means["bone_sd_mm"] = np.where(np.arange(12) == 0, 5 + by, np.nan)
        return {"walk": score_files(name, poses=[means], flows=[means], n_frames=12, n_scored=12)}

    found = [
        VariantScores("a", None, 0, files("a", 0)),
        VariantScores("b", "a", 0, files("b", -2)),
    ]
    table = collect_ablation(found, allow_missing=False)
    assert {"pose_detections_px", "bone_sd_mm", "pose_accel_m_s2", "pose_flow_px"} == {
        name for name in table.select_dtypes(float) if not name.endswith(ENDS)
    }
    assert table.loc[1, "pose_flow_px_difference"] == pytest.approx(-2)
    paths = [tmp_path / f"ablation.{kind}" for kind in ("csv", "md", "tex")]
    write_ablation(table, "mine", *paths, config="a.yaml")
    lines = paths[1].read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")] for line in lines if "|" in line]
    bones = rows[0].index("Bone variation (mm)")
    of_means, of_differences = (row for row in rows if row[1] == "b")
    assert of_means[bones] == "**3.0**"
    # Not bold, as nobody knows whether it is sure.
    assert of_differences[bones + 1] == "−2.0"
    assert "not whether right" in paths[1].read_text()
    again = read_ablation(paths[0])
    assert np.isnan(again.loc[1, "bone_sd_mm_low"])
    axes = Figure().subplots()
    _draw_metric(axes, again, WITHOUT_TRUTH["bone_sd_mm"], ["#000000"] * 2)
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [dot.get_xdata()[0] for dot in dots] == [5, 3]
    assert to_hex(dots[1].get_markerfacecolor()) == "#ffffff"


def test_variants_of_which_nothing_is_known_are_refused(score_files):
    files = {"walk": score_files("walk", poses=[np.nan], flows=[np.nan])}
    with pytest.raises(InputError, match="nothing is known by which to compare variants of walk"):
        collect_ablation([VariantScores("a", None, 0, files)], allow_missing=False)


def test_a_sequence_that_failed_in_a_variant_counts_in_none(variants, failed_files):
    found, _ = variants
    failed = of_cycle(failed_files("broken", "it diverged"), 0)
    broken = [*found[:2], VariantScores("worse", "with flow_1", 0, {"walk": failed, "run": failed})]
    broken[2] = VariantScores("worse", None, 1, {**found[2].files, "walk": failed})
    with pytest.raises(InputError, match="walk: worse: it diverged"):
        collect_ablation(broken, allow_missing=False)
    table = collect_ablation(broken, allow_missing=True)
    assert list(table["n_sequences"]) == [1] * 3 and list(table["n_frames"]) == [20] * 3
    assert set(table["missing"]) == {"walk: worse: it diverged"}
    both = {"walk": failed, "run": failed}
    with pytest.raises(InputError, match="all sequences failed"):
        collect_ablation([*found[:2], VariantScores("c", None, 0, both)], allow_missing=True)


@pytest.fixture
def written(variants, tmp_path):
    """The files of the table: csv, markdown, LaTeX; and what they are of."""
    found, means = variants
    paths = [tmp_path / f"ablation.{kind}" for kind in ("csv", "md", "tex")]
    table = collect_ablation(found, allow_missing=False)
    write_ablation(table, "my_data", *paths, config="my_config.yaml")
    return *paths, table, means


def test_files_have_digits_and_what_is_to_be_seen_first(written):
    csv, markdown, latex, table, means = written
    pd.testing.assert_frame_equal(
        pd.read_csv(csv), table, check_dtype=False, check_exact=False, rtol=1e-5
    )
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in markdown.read_text().splitlines()
        if line.startswith("| ")
    ]
    heads = [row for row in rows if row[0] == "variant"]
    assert heads[0][:3] == ["variant", "MPJPE (mm)", "PA-MPJPE (mm)"]
    assert heads[1][:3] == ["variant", "compared with", "MPJPE (mm)"]
    by_name = {row[0]: row for row in rows[1:4]}
    halves = ((table["mpjpe_mm_high"] - table["mpjpe_mm_low"]) / 2).tolist()
    assert by_name["with flow_1"][1] == f"**{means[1]:.1f}** ± {halves[1]:.1f}"
    assert by_name["worse"][1] == f"{means[2]:.1f} ± {halves[2]:.1f}"
    # Of PCK more is better.
    pck = heads[0].index("PCK at 150 mm (%)")
    assert by_name["worse"][pck].startswith(f"**{means[2]:.1f}** ± ")
    differences = {row[0]: row for row in rows[5:]}
    assert set(differences) == {"with flow_1", "worse"}
    assert differences["with flow_1"][1] == "as estimated"
    sure = f"**−{means[0] - means[1]:.1f}** [−"
    assert differences["with flow_1"][2].startswith(sure)
    tex = latex.read_text()
    assert tex.count(r"\toprule") == tex.count(r"\bottomrule") == 2
    cell = rf"\textbf{{{means[1]:.1f}}} {{\scriptsize $\pm$ {halves[1]:.1f}}}"
    assert rf"with flow\_1 & {cell} &" in tex
    assert r"with flow\_1 & as estimated & \textbf{$-$" in tex
    assert rf"\caption{{my\_data (my\_config.yaml), flowpose {__version__}, 2 seq" in tex
    assert r"95 \%" in tex and "mm/frame$^2$" in tex


def test_a_caption_may_have_what_latex_takes_for_its_own():
    cells = pd.DataFrame({"variant": ["a_b"], "EPE (px)": [r"\textbf{1.0}"]})
    tex = latex_table(cells, ["variant"], r"a_b{1}$~^ & 5 % \x ± #2", "tab:a")
    escaped = r"a\_b\{1\}\$\textasciitilde{}\textasciicircum{} \& 5 \% \textbackslash{}x $\pm$ \#2"
    assert rf"\caption{{{escaped}}}" in tex and r"a\_b & \textbf{1.0} \\" in tex


def test_a_difference_of_nothing_has_no_sign_that_says_so(score_files, tmp_path):
    files = {"walk": score_files("walk", poses=[4.0], flows=[4.0])}
    same = [VariantScores("a", None, 0, files), VariantScores("b", "a", 0, files)]
    paths = [tmp_path / f"ablation.{kind}" for kind in ("csv", "md", "tex")]
    table = collect_ablation(same, allow_missing=False)
    write_ablation(table, "mine", *paths, config="a.yaml")
    assert "+0.0 [+0.0, +0.0]" in paths[1].read_text() and "−0.0" not in paths[1].read_text()
    assert "**+0.0" not in paths[1].read_text()


def test_the_picture_shows_means_intervals_and_what_differs(written):
    table = read_ablation(written[0])
    axes = Figure().subplots()
    colours = ["#000000", "#ff0000", "#00ff00"]
    _draw_metric(axes, table, METRICS["mpjpe_mm"], colours)
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [dot.get_xdata()[0] for dot in dots] == table["mpjpe_mm"].tolist()
    assert [dot.get_ydata()[0] for dot in dots] == [0, 1, 2]
    # All differ but the first, which is compared with none and filled, too.
    assert [to_hex(dot.get_markerfacecolor()) for dot in dots] == colours
    intervals = [lines.get_segments()[0] for lines in axes.collections]
    bounds = [segment[:, 0].tolist() for segment in intervals if segment[0, 1] == segment[1, 1]]
    assert bounds == table[["mpjpe_mm_low", "mpjpe_mm_high"]].to_numpy().tolist()
    others = [segment[0, 0] for segment in intervals if segment[0, 0] == segment[1, 0]]
    assert others == table["mpjpe_mm"].tolist()[:2]
    assert axes.get_title() == "MPJPE" and axes.get_xlabel() == "mm"


def test_what_may_be_chance_is_hollow(written):
    table = read_ablation(written[0])
    table.loc[1, "mpjpe_mm_difference_high"] = 0.5
    axes = Figure().subplots()
    _draw_metric(axes, table, METRICS["mpjpe_mm"], ["#000000"] * 3)
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [to_hex(dot.get_markerfacecolor()) for dot in dots] == ["#000000", "#ffffff", "#000000"]
