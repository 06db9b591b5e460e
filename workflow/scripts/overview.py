"""A page that tells what ran on a data set: tables, config, versions, how long jobs took."""

import hashlib
import html
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from flowpose.storage import stage_files
from flowpose.version import __version__

# As `failures.TOOK` in a job's log.
_TOOK = re.compile(r" took ([\d.]+) s, (\d+) MB of memory at most$", re.MULTILINE)
_STYLE = (
    "body{font:15px/1.45 sans-serif;margin:2em;max-width:110em;color:#222}"
    "table{border-collapse:collapse;margin:1em 0;font-size:13px}"
    "th,td{padding:.2em .7em;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}"
    "th:first-child,td:first-child{text-align:left}th{border-bottom:2px solid #888}"
    "pre{background:#f6f6f6;padding:1em;overflow:auto}div{overflow-x:auto}"
)


def settings_digest(name: str, config: Mapping[str, Any]) -> str:
    """A digest of all of a config, and of what it is called."""
    text = json.dumps([name, config], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def overview_page(
    dataset: str,
    config: Mapping[str, Any],
    *,
    name: str,
    tables: Iterable[Path | str],
    scores: Iterable[Path | str],
    logs: Mapping[str, Path | str],
) -> str:
    """The page, in HTML.

    Args:
        config: in full.
        name: what it is called.
        tables: in markdown.
        scores: HDF5 files, which say what made them and all that they come from.
        logs: of each sequence the folder.
    """
    settings = yaml.safe_dump(_plain(config), sort_keys=False, allow_unicode=True)
    parts = [
        f"<h1>flowpose on {_escaped(dataset)}</h1>",
        f"<p>Made by flowpose {__version__} from the config {_escaped(name)}, which is below with "
        "all defaults, as are the versions that computed the results, and how long jobs took.</p>",
        *(part for path in tables for part in _html(Path(path).read_text())),
        "<h2>Config</h2>",
        f"<pre>{html.escape(settings)}</pre>",
        "<h2>Versions</h2>",
        _table(("package", "version"), versions(scores)),
        "<h2>Jobs</h2>",
        "<p>Of their last run. Those whose result came from a cache are not here.</p>",
        _table(("sequence", "job", "seconds", "memory at most (MB)"), job_times(logs)),
    ]
    head = f'<meta charset="utf-8"><title>{_escaped(dataset)}</title><style>{_STYLE}</style>'
    return (
        f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'
    )


def versions(scores: Iterable[Path | str]) -> list[tuple[str, str]]:
    """The packages that computed files and all that they come from, and their versions."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in scores:
        if stage_files.failure(path):
            continue
        with stage_files.opened(path) as h5:
            made = stage_files.read_provenance(h5)
        for step in (made, *made.ancestors.values()):
            for package, version in step.software.items():
                found[package].add(version)
    return [(package, ", ".join(sorted(found[package]))) for package in sorted(found)]


def job_times(logs: Mapping[str, Path | str]) -> list[tuple[str, str, str, str]]:
    """Of each job of each sequence that has ended well how many seconds and MB it took."""
    rows = []
    for sequence, folder in logs.items():
        for log in sorted(Path(folder).glob("*.log")):
            if found := _TOOK.search(log.read_text()):
                rows.append((sequence, log.stem, *found.groups()))
    return rows


def _plain(value: Any) -> Any:
    """What YAML can write: mappings and lists of it, of whatever classes they were."""
    if isinstance(value, Mapping):
        return {str(key): _plain(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(of) for of in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _html(markdown: str) -> list[str]:
    """The headings, tables, lists and paragraphs of a table's markdown."""
    parts = []
    for block in re.split(r"\n\s*\n", markdown.strip()):
        lines = block.splitlines()
        if lines[0].startswith("|"):
            head, _, *rows = map(_cells, lines)
            parts.append(_table(head, rows))
        elif lines[0].startswith("# "):
            parts.append(f"<h2>{_escaped(lines[0][2:])}</h2>")
        elif lines[0].startswith("- "):
            parts.append(f"<p>{'<br>'.join(_escaped(line[2:]) for line in lines)}</p>")
        else:
            parts.append(f"<p>{_escaped(' '.join(lines))}</p>")
    return parts


def _cells(line: str) -> list[str]:
    """The cells of a row of a table in markdown."""
    cells = re.split(r"(?<!\\)\|", line.removeprefix("|").removesuffix("|"))
    return [cell.strip().replace(r"\|", "|") for cell in cells]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{_escaped(c)}</{tag}>" for c in cells) + "</tr>"

    return f"<div><table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table></div>"


def _escaped(text: str) -> str:
    """Text of markdown in HTML; what is bold there is bold."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(text))
