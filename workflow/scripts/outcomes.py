"""What a run on videos of one's own says at its end: where results are, and what to type next."""

from collections.abc import Iterable
from pathlib import Path

# Read by the workflow rather than by people.
_STAGES = (".h5", ".pt")
# Exports that are folders.
_FOLDERS = ("openpose", "flow/flo", "flow/kitti")
# Sequences after these are only counted.
_SHOWN = 5
_MORE = (
    'For more, type the same and add to what follows --config, for example, "frames={rate: 30}" '
    '(more frames a second)\nor "flow={passes: 8, updates: 20}" (as many passes and updates as in '
    "the paper, which takes several times as long). What is what: docs/own-video.md"
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
    """What people look at in a folder: the names of files, and of exports that are folders."""
    paths = [path for path in Path(folder).glob("[!.]*") if path.suffix not in _STAGES]
    files = [path.name for path in paths if path.is_file()]
    return sorted([*files, *(name for name in _FOLDERS if (Path(folder) / name).is_dir())])
