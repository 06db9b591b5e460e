"""Digests of the code behind a rule: it shall run again when that changes, and only then.

Snakemake itself looks at a script's modification time: it misses edits of imported modules and
fires on files that were only touched.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

SCRIPTS = Path(__file__).parent
# What computes nothing: the words of errors, the version, and what is around a script's library
# calls. Neither they nor what only they import count.
UNCOUNTED = ("flowpose/errors.py", "flowpose/version.py", "jobs.py")
# What a module has beside it under its own name, in other languages.
_BESIDE = (".html", ".js")


@cache
def code_digest(script: str, *modules: str) -> str:
    """Digest of a script and of all that it imports from this folder; comments do not count.

    Pages and their scripts, which lie beside a module of their name, count to the letter.

    Args:
        script: a file of this folder.
        modules: what the script imports besides, by a name that is a parameter of its rule.
    """
    digest = hashlib.sha256()
    files = [file for module in modules for file in _module_files(module)]
    for path in sorted(_closure([SCRIPTS / script, *files])):
        digest.update(f"{path.relative_to(SCRIPTS).as_posix()}\n{_parse(path).text}\n".encode())
        for beside in filter(Path.is_file, map(path.with_suffix, _BESIDE)):
            digest.update(beside.read_bytes())
    return digest.hexdigest()[:12]


def _closure(files: Iterable[Path]) -> set[Path]:
    """Files and, over any number of steps, what they import from this folder."""
    found: set[Path] = set()
    uncounted = {SCRIPTS / name for name in UNCOUNTED}
    todo = list(files)
    while todo:
        path = todo.pop()
        if path not in found and path not in uncounted:
            found.add(path)
            todo += _parse(path).imports
    return found


class _Source(NamedTuple):
    """A file: what counts of its text, and which files in this folder it imports."""

    text: str
    imports: tuple[Path, ...]


@cache
def _parse(path: Path) -> _Source:
    """A file as it counts, looked at once for all scripts that import it."""
    tree = _tree(path)
    imports = {file for name in set(_imports(tree)) for file in _module_files(name)}
    return _Source(_text(tree), tuple(imports))


def _tree(path: Path) -> ast.Module:
    """The syntax tree without docstrings; it never has comments or layout."""
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
            node.body = node.body or [ast.Pass()]
    return tree


def _text(node: object) -> str:
    """A syntax tree in words that are the same in every version of Python.

    `ast.unparse` and `ast.dump` are not; nor are all fields there in all versions.
    """
    if isinstance(node, ast.JoinedStr):
        # Python 3.12 ends some of them with an empty part where other versions have none.
        node.values = [part for part in node.values if getattr(part, "value", None) != ""]
    if isinstance(node, ast.AST):
        fields = (
            f"{name}={_text(value)}"
            for name, value in ast.iter_fields(node)
            if value is not None and value != []
        )
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(map(_text, node))}]"
    return repr(node)


def _imports(tree: ast.Module) -> Iterator[str]:
    """Dotted names that may be modules; imports are absolute here (a linter sees to that)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _module_files(name: str) -> Iterator[Path]:
    """Files in this folder that importing a name runs: its packages' and its own."""
    parts = name.split(".")
    for n in range(1, len(parts) + 1):
        path = SCRIPTS.joinpath(*parts[:n])
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                yield file
