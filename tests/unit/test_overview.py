"""The page that tells what ran."""

import pandas as pd

from failures import TOOK
from flowpose.evaluation.paper_table import markdown_table
from overview import job_times, overview_page, settings_digest, versions


def test_the_page_has_tables_config_versions_and_times(tmp_path, score_files):
    table = tmp_path / "table.md"
    table.write_text("# mine\n\n| a | b |\n|:--|--:|\n| x<y | **2.0** |\n\nBelow.\n\n- one: 1\n")
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "flow_1.log").write_text(f"2026-01-01 {TOOK % (12.34, 800)}\n2026-01-01 done\n")
    (logs / "broken.log").write_text("2026-01-01 it failed\n")
    files = score_files("walk", poses=[1], flows=[1])
    page = overview_page(
        "mine",
        {"cycles": 2, "crop": None, "frames": {"used": (1, 2)}},
        name="my.yaml",
        tables=[table],
        scores=[files.poses],
        logs={"walk": logs},
    )
    assert "<td>x&lt;y</td><td><b>2.0</b></td>" in page and "<p>Below.</p>" in page
    assert "cycles: 2\ncrop: null\nframes:\n  used:\n  - 1\n  - 2\n" in page
    assert "<td>walk</td><td>flow_1</td><td>12.3</td><td>800</td>" in page
    assert job_times({"walk": logs}) == [("walk", "flow_1", "12.3", "800")]


def test_a_cell_may_have_lines_and_what_parts_cells(tmp_path):
    why = "a|b.mp4: no\nvideo"
    table = tmp_path / "table.md"
    cells = pd.DataFrame({"sequence": ["walk"], "missing": [why], "epe_px": [""]})
    table.write_text(markdown_table(cells, 1))
    assert table.read_text().splitlines()[2:] == [r"| walk       | a\|b.mp4: no video |          |"]
    page = overview_page("mine", {}, name="my.yaml", tables=[table], scores=[], logs={})
    assert "<tr><td>walk</td><td>a|b.mp4: no video</td><td></td></tr>" in page


def test_a_sequence_that_failed_tells_no_versions(failed_files):
    assert versions(failed_files("fell", "no video").flows[:1]) == []


def test_the_digest_knows_name_and_all_settings():
    found = {settings_digest(*of) for of in (("a", {}), ("b", {}), ("a", {"cycles": 2}))}
    assert len(found) == 3
