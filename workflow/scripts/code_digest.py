"""Digests of the code behind a rule: it shall run again when that changes, and only then.

Snakemake itself looks at a script's modification time: it misses edits of imported modules and
fires on files that were only touched.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).parent


@cache
def code_digest(script: str) -> str:
    """Digest of a script and of all that it imports from this folder; comments do not count."""
    digest = hashlib.sha256()
    for path in sorted(_closure(SCRIPTS / script)):
        digest.update(f"{path.relative_to(SCRIPTS)}\n{ast.unparse(_parse(path))}\n".encode())
    return digest.hexdigest()[:12]


def _closure(script: Path) -> set[Path]:
    """The script and, over any number of steps, what it imports from this folder."""
    found: set[Path] = set()
    todo = [script]
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            todo += (file for name in _imports(_parse(path)) for file in _module_files(name))
    return found


@cache
def _parse(path: Path) -> ast.Module:
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
