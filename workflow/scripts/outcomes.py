"""What a run on videos of one's own says at its end: where results are, and what to type next."""

from collections.abc import Iterable
from pathlib import Path

# Read by the workflow rather than by people.
_STAGES = (".h5", ".pt")
# Sequences after these are only counted.
_SHOWN = 5
_MORE = (
    'For more, type the same and add to what follows --config, for example, "frames={rate: 30}" '
    '(more frames a second)\nor "flow={passes: 8, updates: 20}" (finetuned as in the paper, for '
    "several times as long). What is what: docs/own-video.md"
)


def outcomes_text(folders: Iterable[str], tables: str) -> str:
    """The message of a run that has ended well; none where it made nothing to look at.

    Args:
        folders: of the sequences.
        tables: the folder of their tables.
    """
    found = [(folder, _for_people(folder)) for folder in folders]
    lines = [f"{folder}: {', '.join(names)}" for folder, names in found if names]
    if not lines:
        return ""
    hidden = len(lines) - _SHOWN
    lines = lines[:_SHOWN] + ([f"and {hidden} more"] if hidden > 0 else [])
    lines += [f"{tables}: {', '.join(names)}"] if (names := _for_people(tables)) else []
    return "\n".join([*lines, _MORE])


def _for_people(folder: str) -> list[str]:
    """The names of the files in a folder that people look at."""
    return sorted(
        path.name
        for path in Path(folder).glob("[!.]*")
        if path.is_file() and path.suffix not in _STAGES
    )
