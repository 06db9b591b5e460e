"""How the library is laid out: rooms and names."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
ROOMS = sorted(path.parent for path in (SCRIPTS / "flowpose").rglob("*/__init__.py"))


def test_no_file_name_stands_for_two_things():
    names = Counter(path.name for path in SCRIPTS.rglob("*.py") if path.name != "__init__.py")
    assert [name for name, n in names.items() if n > 1] == []


@pytest.mark.parametrize("room", ROOMS, ids=lambda path: path.name)
def test_a_room_says_in_a_line_what_is_in_it_and_holds_nothing_itself(room):
    """Whatever stood in `__init__.py` would count in the digests of all that imports the room."""
    tree = ast.parse((room / "__init__.py").read_text())
    assert len(tree.body) == 1 and len(ast.get_docstring(tree).splitlines()) == 1


def test_no_job_waits_for_what_takes_long_to_import_and_is_not_needed():
    """PyTorch takes seconds, parts of SciPy one, several times what the others take together."""
    modules = [
        *("jobs", "flowpose.video.frames_file", "flowpose.pose.assembly", "flowpose.pose.labels"),
        *(f"flowpose.readers.{name}" for name in ("dcpose", "mediapipe", "metro", "openpose")),
        *("flowpose.datasets.multiview", "flowpose.datasets.flow_files"),
        *(f"flowpose.refinement.{name}" for name in ("repair", "refine", "smoothing")),
        *("flowpose.evaluation.pose_scores", "flowpose.evaluation.flow_scores"),
        *("flowpose.evaluation.sequence_table", "flowpose.evaluation.ablation_table"),
        *("flowpose.pictures.moment", "flowpose.pictures.sequence_page"),
    ]
    slow = {"torch", "scipy.signal", "scipy.stats"}
    code = f"import sys, {', '.join(modules)}; print({slow} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
