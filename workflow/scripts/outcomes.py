"""What a run on videos of one's own says at its end: where results are, and what to type next."""

from collections.abc import Iterable, Sequence
from pathlib import Path

# Read by the workflow rather than by people, or named as PNG already.
_UNNAMED = (".h5", ".pt", ".pdf")
# Sequences after these are only counted.
_SHOWN = 5
_MORE = (
    'For more, type the same and add to what follows --config, for example, "frames={rate: 30}" '
    '(more frames a second)\nor "flow={passes: 8, updates: 20}" (as many passes and updates as in '
    "the paper, which takes several times as long). What is what: docs/own-video.md"
)


def outcomes_text(wanted: Iterable[str], folders: Sequence[str], tables: str) -> str:
    """The message of a run that has ended well; none where it made nothing to look at.

    Args:
        wanted: the files, and folders of files, that the run was to bring up to date.
        folders: of the sequences.
        tables: the folder of their tables.
    """
    found: dict[str, list[str]] = {folder: [] for folder in [*folders, tables]}
    for path in map(Path, wanted):
        place = next((str(parent) for parent in path.parents if str(parent) in found), None)
        if place and path.suffix not in _UNNAMED and path.exists():
            found[place].append(str(path.relative_to(place)))
    described = {folder: f"{folder}: {', '.join(sorted(found[folder]))}" for folder in found}
    lines = [described[folder] for folder in folders if found[folder]]
    if not lines:
        return ""
    hidden = len(lines) - _SHOWN
    lines = lines[:_SHOWN] + ([f"and {hidden} more"] if hidden > 0 else [])
    lines += [described[tables]] if found[tables] else []
    return "\n".join([*lines, _MORE])
