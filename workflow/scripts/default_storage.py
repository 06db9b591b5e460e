"""Where a storage plugin brings files from and to, in the place of a disk that machines share."""

from pathlib import Path, PurePath
from typing import Any


class DefaultStorage:
    """What `--default-storage-provider` and `--default-storage-prefix` name.

    Every path of the config and of the rules is one of the storage then. A job finds its inputs,
    and leaves its outputs, in local copies: these paths below `root`, on each machine another.
    """

    def __init__(self, provider: Any, prefix: str) -> None:
        """Of a provider of Snakemake's, and what is in front of all paths."""
        self._provider = provider
        self.prefix = prefix.rstrip("/")
        copy = PurePath(self._object("copy").local_path())
        self.root = str(copy.parent)

    def has(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return self._object(path).exists()

    def problem(self, path: str) -> str | None:
        """What is wrong with a path of the config, if it cannot be one of the storage."""
        if PurePath(path).is_absolute() or ".." in PurePath(path).parts:
            return f"with a default storage, paths are relative to {self.prefix}"
        return None

    def _object(self, path: str) -> Any:
        return self._provider.object("/".join(filter(None, (self.prefix, path))))


def bring(file: Any) -> None:
    """Have a file of a rule here as it is in the storage, where a job elsewhere may have put it."""
    if file.is_storage and file.storage_object.exists():
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        file.storage_object.retrieve_object()


def local_copy(value: Any, inputs: list[str], root: str) -> Any:
    """What a parameter names, where the job has it.

    Args:
        value: a path as in the config, of a file or folder; other values, also in dictionaries, are
            returned as they are.
        inputs: of the job.
        root: see `DefaultStorage`; empty without one.
    """
    if isinstance(value, dict):
        return {key: local_copy(item, inputs, root) for key, item in value.items()}
    if not root or not isinstance(value, str):
        return value
    copy = PurePath(root, value)
    return str(copy) if any(PurePath(path) == copy for path in inputs) else value


def path_in_config(path: str, root: str) -> str:
    """The path, as in the config, of an input: the same on all machines."""
    if root and PurePath(path).is_relative_to(root):
        return PurePath(path).relative_to(root).as_posix()
    return path
