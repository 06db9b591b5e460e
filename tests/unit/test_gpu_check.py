"""`make gpu-check` itself: its table, its limits, and how it goes on. None of it needs a GPU."""

import json
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
import yaml

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import gpu_check
from checks import Check, LeftOutError, percent
from gpu_check import WHOLE, Report, is_finished, read, table, watched
from gpu_speed import busy_share

from configuration import complete

GOOD, BAD = Check("a", "1", "1", True), Check("b | c", "2\n3", "1", False)
NOTED = Check("d", "4")


def part_that(folder, code, limit=60):
    """Runs code in the place of a part, with the file of its rows open as `rows`."""
    before = "import sys, os, subprocess; rows = open(sys.argv[1], 'w', buffering=1);"
    return watched("part", [sys.executable, "-c", before + code], limit, folder)


def test_a_part_gives_its_checks(tmp_path):
    lines = "".join(json.dumps(check) + "\n" for check in (GOOD, NOTED))
    report = part_that(tmp_path, f"rows.write({lines!r})")
    assert report.checks == [GOOD, NOTED] and report.ended == WHOLE and report.ok


def test_what_a_part_found_before_it_failed_is_kept(tmp_path):
    """Of a row that was not finished nothing is."""
    lines = json.dumps(GOOD) + "\n" + json.dumps(BAD)[:5]
    report = part_that(tmp_path, f"rows.write({lines!r}); raise ValueError('no such thing')")
    assert report.checks == [GOOD] and not report.ok
    assert report.ended == "ended with 1: ValueError: no such thing"


def test_a_part_that_is_killed_is_told(tmp_path):
    assert part_that(tmp_path, "os.kill(os.getpid(), 9)").ended.startswith("ended with -9")


def test_a_part_that_hangs_ends_with_all_that_it_started(tmp_path):
    code = "child = subprocess.Popen(['sleep', '600']); print(child.pid, flush=True); child.wait()"
    report = part_that(tmp_path, code, limit=1)
    assert report.ended.startswith("stopped at its limit of 1 s") and not report.ok
    child = int((tmp_path / "part.log").read_text())
    for _ in range(100):
        if not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie":
            return
        time.sleep(0.05)
    pytest.fail("what the part had started lives on")


def test_table_has_a_row_a_check(monkeypatch):
    monkeypatch.setattr(gpu_check, "PARTS", dict.fromkeys(("one", "two", "three", "four")))
    reports = [Report("one", WHOLE, 2.4, [GOOD, NOTED]), Report("two", "ended with 1", 3, [BAD])]
    text = table([*reports, Report("three", WHOLE, 0, [])], "NVIDIA-X-c0de")
    assert "| one | a | 1 | 1 | ok |\n| one | d | 4 |  |  |\n" in text
    assert "| two | b / c | 2 3 | 1 | **not ok** |\n" in text
    assert "| two | to its end | ended with 1 | whole | **not ok** |\n" in text
    assert "2 checks, 1 not ok; 5 s." in text
    assert "Did not end: two." in text and "Not run yet: four." in text
    assert "No GPU" not in text and "No GPU" in table(reports, "cpu-c0de")


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Calls the command with parts that end as they are told to; gives its code and who ran."""
    ends = dict.fromkeys(("one", "two", "three"), WHOLE)
    ran = []

    def run(part, command, limit, folder):
        ran.append(part)
        assert command[-3:] == ["--only", part, "--rows"] and limit == 10
        return Report(part, ends[part], 1, [GOOD])

    monkeypatch.setattr(gpu_check, "RESULTS", tmp_path)
    monkeypatch.setattr(gpu_check, "PARTS", dict.fromkeys(ends, (None, 1)))
    monkeypatch.setattr(gpu_check, "watched", run)

    def call(*arguments, **endings):
        ends.update(endings)
        ran.clear()
        monkeypatch.setattr(sys, "argv", ["gpu_check.py", "--device", "cpu", *arguments])
        return gpu_check.main(), list(ran)

    return call


def test_the_same_command_goes_on_with_what_is_missing(call, tmp_path):
    assert call(two="ended with 1: no memory") == (1, ["one", "two", "three"])
    assert call(two=WHOLE) == (0, ["two"])
    assert call() == (0, [])
    assert call("--again", "--only", "three") == (0, ["three"])
    assert "3 checks, 0 not ok" in (tmp_path / "gpu-check.md").read_text()


def test_what_was_left_out_is_tried_again(call, tmp_path, monkeypatch):
    """For want of a file, say; and which of them are missing is looked at every time."""
    lacking = True

    def part(device):
        if lacking:
            raise LeftOutError("no video")
        yield GOOD

    def run(name, command, limit, folder):
        gpu_check.write_rows(name, torch.device("cpu"), folder / "rows")
        rows = map(json.loads, (folder / "rows").read_text().splitlines())
        ran.append(name)
        return Report(name, WHOLE, 1, [Check(*row) for row in rows])

    ran = []
    monkeypatch.setattr(gpu_check, "PARTS", {"device": (lambda _: [NOTED], 1), "demo": (part, 1)})
    monkeypatch.setattr(gpu_check, "watched", run)
    call()
    assert "| demo | left out | no video |  |  |" in (tmp_path / "gpu-check.md").read_text()
    lacking = False
    call()
    assert "| demo | a | 1 | 1 | ok |" in (tmp_path / "gpu-check.md").read_text()
    call()
    assert ran == ["device", "demo"] * 2 + ["device"]


def test_the_table_is_there_after_each_part(call, tmp_path):
    assert call("--only", "one") == (0, ["one"])
    assert "Not run yet: two, three." in (tmp_path / "gpu-check.md").read_text()


def test_other_code_is_checked_anew(call, monkeypatch):
    call()
    monkeypatch.setattr(gpu_check, "made_with", lambda device: "cpu-other")
    assert call() == (0, ["one", "two", "three"])


def test_where_there_is_no_gpu_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu_check.py"])
    assert gpu_check.main() == 1
    printed = capsys.readouterr().out
    assert printed.startswith("gpu-check needs a GPU, and PyTorch sees none here")
    assert printed.count("\n") == 1


def test_a_report_is_read_as_it_was_written(tmp_path):
    file = tmp_path / "part.json"
    assert not is_finished(file)
    file.write_text(json.dumps({"part": "p", "ended": WHOLE, "seconds": 1, "checks": [BAD]}))
    assert read(file) == Report("p", WHOLE, 1, [BAD])
    # What is not ok is known, and not measured again.
    assert is_finished(file) and not read(file).ok


@pytest.mark.parametrize(
    ("intervals", "share"),
    [([], 0), ([(5, 6)], 1), ([(0, 2), (1, 3), (8, 10)], 0.5), ([(0, 10), (2, 3)], 1)],
)
def test_a_gpu_is_busy_where_any_kernel_runs(intervals, share):
    assert busy_share(intervals) == share


@pytest.mark.parametrize(("ours", "ok"), [(101, True), (102, False), (98, False)])
def test_numbers_are_compared_in_percent_of_the_cpus(ours, ok):
    check = percent(ours, 100, "px", 1.5, "EPE")
    assert check.ok is ok and f"({ours - 100:+.3f} %)" in check.measured


def test_the_part_demo_takes_one_view_of_small_frames(tmp_path):
    """Or the runs on the CPU beside it would not end in its time."""
    change = {"cycles": 1, "flow": {"precision": "fast"}}
    project = gpu_check.gpu_runs.view(tmp_path, "fast", "cuda", change, ("cam04", "again"))
    config = complete(yaml.safe_load((project.folder / "config" / "config.yaml").read_text()))
    one, other = config["sequences"].values()
    assert one == other and not Path(one["video"]).is_relative_to("resources/downloads")
    assert (config["device"], config["cycles"], config["frames"]["width"]) == ("cuda", 1, 224)
    given = yaml.safe_load((Path(__file__).parents[2] / "config/config.yaml").read_text())
    assert config["flow"]["passes"] == given["flow"]["passes"]
    assert config["flow"]["precision"] == "fast"


def test_every_file_with_tests_for_a_gpu_is_run_there():
    """Those whose tests or fixtures ask for the device."""
    folder = Path(__file__).parent
    marked = {
        path.stem.removeprefix("test_")
        for path in folder.glob("test_*.py")
        if any(
            line.startswith("def ") and "device" in line.partition("(")[2].rstrip("):").split(", ")
            for line in path.read_text().splitlines()
        )
    }
    assert set(gpu_check.gpu_numbers.TESTS) == marked - {"devices"}
