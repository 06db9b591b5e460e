"""flowpose in reference mode against the reference's own numbers."""

import sys
from pathlib import Path

import golden_check
import numpy as np
import pytest
from golden_compare import Row
from golden_labels import check_labels

GOLDEN = Path(__file__).parent / "golden"
sys.path.insert(0, str(GOLDEN))

from random_raft import write_random_raft  # noqa: E402


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "raft-random.pth"
    write_random_raft(path)
    return path


def assert_agreement(rows: list[Row], at_least: int) -> None:
    failed = [str(row) for row in rows if not row.ok]
    assert not failed, "\n".join(failed)
    assert len(rows) >= at_least


def test_building_blocks():
    case = golden_check.Case(GOLDEN / "unit_s0.npz")
    assert_agreement(list(golden_check.check_unit(case)), 12)


@pytest.mark.parametrize("name", ["pose_s0", "pose_s0_60"])
def test_pose(name):
    case = golden_check.Case(GOLDEN / f"{name}.npz")
    assert_agreement(list(golden_check.check_pose(case)), 20)


def test_raft_step(weights):
    case = golden_check.Case(GOLDEN / "raft_step_s0.npz")
    assert_agreement(list(golden_check.check_raft_step(case, weights)), 100)


def test_labels():
    assert_agreement(list(check_labels(GOLDEN / "vp3d.npz")), 50)


def test_command_fails_on_a_wrong_number(tmp_path, monkeypatch, capsys):
    for name in ("inputs_s0", "unit_s0"):
        arrays = dict(np.load(GOLDEN / f"{name}.npz"))
        if name == "unit_s0":
            arrays["mpjpe_orig"][0] += 1e-6
        np.savez(tmp_path / f"{name}.npz", **arrays)
    monkeypatch.setattr(sys, "argv", ["golden_check.py", str(tmp_path)])
    assert golden_check.main() == 1
    printed = capsys.readouterr().out
    assert "1 out of tolerance" in printed
    failed = next(line for line in printed.splitlines() if line.endswith("FAIL"))
    assert failed.startswith("unit_s0 mpjpe_orig")


def test_command_fails_on_a_folder_without_cases(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["golden_check.py", str(tmp_path)])
    assert golden_check.main() == 1
    assert "no case found" in capsys.readouterr().out
