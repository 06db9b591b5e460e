"""How the library is laid out: rooms and names."""

import ast
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
