import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import code_digest

FILES = {
    "rule.py": "import helper\nfrom library.method import solve\n\nsolve(helper.one)\n",
    "helper.py": "one = 1\n",
    "other.py": "two = 2\n",
    "library/__init__.py": '"""Library."""\n',
    "library/method.py": '''
        """Method."""
        import numpy
        from library import tools

        def solve(x):
            """Solve."""
            return tools.double(x)  # twice
        ''',
    "library/tools.py": "def double(x):\n    return 2 * x\n",
    "library/unused.py": "def triple(x):\n    return 3 * x\n",
}


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """A folder of scripts and a library."""
    monkeypatch.setattr(code_digest, "SCRIPTS", tmp_path)
    (tmp_path / "library").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(textwrap.dedent(text))
    yield tmp_path
    code_digest.code_digest.cache_clear()


def digest(script="rule.py", *modules):
    """The digest that a new process would come to."""
    code_digest.code_digest.cache_clear()
    code_digest._parse.cache_clear()
    return code_digest.code_digest(script, *modules)


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("library/method.py", "# twice", "# two times"),
        ("library/method.py", "  # twice", ""),
        ("library/method.py", '    """Solve."""\n', '    """Solve it."""\n'),
        ("library/method.py", '    """Solve."""\n', ""),
        ("library/method.py", '"""Method."""', '"""The method."""'),
        ("library/__init__.py", '"""Library."""\n', ""),
        ("library/tools.py", "2 * x", "(2  *  x)"),
        ("rule.py", "\n\nsolve", "\n\n\n\nsolve"),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(scripts, name, old, new):
    before = digest()
    edit(scripts / name, old, new)
    assert digest() == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("rule.py", "helper.one", "helper.one + 1"),
        ("helper.py", "1", "2"),
        ("library/method.py", "tools.double(x)", "tools.double(-x)"),
        ("library/tools.py", "2 * x", "2 + x"),
        ("library/__init__.py", '"""Library."""', "import helper"),
    ],
)
def test_an_edit_of_anything_imported_counts_until_it_is_reverted(scripts, name, old, new):
    before = digest()
    edit(scripts / name, old, new)
    assert digest() != before
    edit(scripts / name, new, old)
    assert digest() == before


@pytest.mark.parametrize("name", ["other.py", "library/unused.py"])
def test_an_edit_of_what_is_not_imported_does_not_count(scripts, name):
    before = digest()
    (scripts / name).write_text("changed = True\n")
    assert digest() == before


def test_a_page_or_script_beside_a_module_counts_where_the_module_does(scripts):
    before = digest()
    (scripts / "library" / "unused.js").write_text("draw();\n")
    assert digest() == before
    (scripts / "library" / "tools.js").write_text("draw();\n")
    there = digest()
    assert there != before
    edit(scripts / "library" / "tools.js", "draw()", "draw(2)")
    assert digest() not in (before, there)


@pytest.mark.parametrize(
    "line",
    ["import other", "import other as o", "from other import two", "def f():\n    import other\n"],
)
def test_every_way_to_import_is_followed(scripts, line):
    (scripts / "rule.py").write_text(line + "\n")
    before = digest()
    (scripts / "other.py").write_text("two = 3\n")
    assert digest() != before


def test_a_module_imported_as_a_name_of_its_package_is_followed(scripts):
    (scripts / "rule.py").write_text("import library.unused\n")
    before = digest()
    edit(scripts / "library" / "unused.py", "3 * x", "4 * x")
    assert digest() != before


def test_modules_that_import_each_other_are_no_problem(scripts):
    edit(scripts / "helper.py", "one = 1", "import other\none = 1")
    edit(scripts / "other.py", "two = 2", "import helper\ntwo = 2")
    before = digest()
    edit(scripts / "other.py", "two = 2", "two = 3")
    assert digest() != before


def test_a_string_that_is_no_docstring_counts(scripts):
    before = digest()
    edit(scripts / "helper.py", "one = 1", 'one = 1\n"""text"""')
    assert digest() != before


def test_digests_of_the_rules_differ_and_are_short():
    scripts = [
        "extract_frames.py",
        "estimate_flow.py",
        "finetune_flow.py",
        "refine_pose.py",
        "make_table.py",
    ]
    digests = [digest(script) for script in scripts]
    assert len(set(digests)) == len(scripts)
    assert {len(text) for text in digests} == {12}


def test_only_rules_that_use_a_module_depend_on_it():
    """An edit of the pose refinement reruns no flow."""
    used = {
        script: {path.name for path in code_digest._closure([code_digest.SCRIPTS / script])}
        for script in ("estimate_flow.py", "finetune_flow.py", "refine_pose.py")
    }
    assert "refine.py" in used["refine_pose.py"]
    assert "checkpoint.py" not in used["refine_pose.py"]
    assert "checkpoint.py" in used["estimate_flow.py"]
    assert "target.py" in used["finetune_flow.py"]
    assert "refine.py" not in used["estimate_flow.py"] | used["finetune_flow.py"]
    assert not {"errors.py", "version.py", "jobs.py"} & set.union(*used.values())


@pytest.mark.parametrize("name", ["flowpose/errors.py", "flowpose/version.py", "jobs.py"])
def test_what_computes_nothing_does_not_count(scripts, name):
    (scripts / name).parent.mkdir(exist_ok=True)
    (scripts / name).write_text("import other\n")
    module = name.removesuffix(".py").replace("/", ".")
    edit(scripts / "rule.py", "import helper", f"import helper\nimport {module}")
    before = digest()
    (scripts / name).write_text("words = 'others'\n")
    (scripts / "other.py").write_text("two = 3\n")
    assert digest() == before


def test_a_module_that_is_imported_by_name_counts_where_it_is_named(scripts):
    without, before = digest(), digest("rule.py", "library.unused")
    assert before != without
    edit(scripts / "library" / "unused.py", "3 * x", "4 * x")
    assert digest() == without and digest("rule.py", "library.unused") != before


# Syntax whose tree or text differs between versions of Python, or that a digest might overlook.
SAMPLE = r"""
from __future__ import annotations
import os.path as p, re
@decorated(1, *args, key=None, **options)
def f(a, /, b: int = 0, *c, d=..., **e) -> "x":
    global g
    x: float = 1e-5 if a else -0.0
    y = f"{x!r:>{b + 1}} {'nested'} {x=}" 'joined' f"{{}}" + r"\d" + u"u" + "\N{DEGREE SIGN}\n"
    z = [i async for i in a] + [(lambda *k: k)(j) for j in c if j not in (None, True, 1_000, b"")]
    2j
    with (open(p) as q, r): pass
    try: del z[1:2, ::3]
    except* (A, B) as error: raise error from None
    match x:
        case {"k": [1, *rest], **others} if rest: return
        case C(n=None) | -1: yield
    g.__name__ == "" or h("")
    return (w := y), {**e, 1: 2}, a if b else not c, a < b <= c, a @ b, *c
class C(B, metaclass=M):
    async def g(self): await self; nonlocal_ = 1
"""


@pytest.fixture
def sample(scripts):
    (scripts / "sample.py").write_text(SAMPLE)
    shutil.copy(Path(__file__).parents[2] / "workflow" / "scripts" / "code_digest.py", scripts)
    return scripts


def runs(python) -> bool:
    return subprocess.run([python, "--version"], capture_output=True, check=False).returncode == 0


FOUND = [shutil.which(f"python3.{minor}") for minor in (11, 12, 13, 14)]


@pytest.mark.parametrize(
    "python", [sys.executable, *(path for path in FOUND if path and runs(path))]
)
def test_the_digest_is_the_same_in_every_version_of_python(sample, python):
    """The number is part of the test: it was the same in Python 3.11, 3.12 and 3.13."""
    script = "from code_digest import code_digest; print(code_digest('sample.py'))"
    done = subprocess.run(
        [python, "-c", script], cwd=sample, capture_output=True, text=True, check=True
    )
    assert done.stdout == "302ef1b06582\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1e-5", "1e-6"),
        ("-0.0", "0.0"),
        ("key=None", "key=0"),
        ("d=...", "d=None"),
        ("{x!r", "{x!s"),
        ("joined", "Joined"),
        ("True, 1_000", "1_000, True"),
        ("2j", "2"),
        ('b""', '""'),
        ('g.__name__ == ""', "g.__name__ == 0"),
        ('h("")', "h()"),
        ("[1:2, ::3]", "[1:2, :3]"),
        ("except*", "except"),
        ("a < b <= c", "a <= b < c"),
        ("a, /, b", "a, b"),
        ("async def g", "def g"),
        ("from None", "from a"),
        ("{**e, 1: 2}", "{1: 2, **e}"),
    ],
)
def test_no_change_of_syntax_is_overlooked(sample, old, new):
    text = SAMPLE.replace("await self; ", "") if old == "async def g" else SAMPLE
    (sample / "sample.py").write_text(text)
    before = digest("sample.py")
    assert old in text
    (sample / "sample.py").write_text(text.replace(old, new, 1))
    assert digest("sample.py") != before


def test_a_file_is_parsed_once_for_all_scripts_that_import_it(scripts, monkeypatch):
    parsed, parse = [], code_digest.ast.parse
    monkeypatch.setattr(code_digest.ast, "parse", lambda text: parsed.append(text) or parse(text))
    (scripts / "second.py").write_text((scripts / "rule.py").read_text() + "import other\n")
    assert digest() != code_digest.code_digest("second.py")
    assert len(parsed) == len(set(parsed)) == 7
