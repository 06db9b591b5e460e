"""Parts of files that are being fetched: kept until they are whole, verified, put in place."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from flowpose.errors import FlowposeError
from flowpose.storage.whole_files import sha256


class FetchError(FlowposeError):
    """Something that cannot be fetched now."""


class RefusedError(FetchError):
    """The other side answers, but not with the file that is wanted."""


def check_digest(path: Path, digest: str | None, where: str) -> None:
    """Delete and refuse a download whose SHA-256 does not begin as expected."""
    came = sha256(path)
    if not came.startswith(digest or ""):
        path.unlink()
        raise RefusedError(
            f"{where}: expected SHA-256 {digest}, the download has {came} (it was deleted; if that "
            "happens again, the source has changed. To take what it has now, state its SHA-256, or "
            "delete all that has come of this download, with its manifest)"
        )


@dataclass(frozen=True)
class Version:
    """What tells whether a server still has the file of which a part has come.

    Attributes:
        size: bytes of the whole file, if the server says so.
        validator: the server's own mark for it: ETag or date.
    """

    size: int | None = None
    validator: str | None = None


class Part:
    """What has come of a file so far, and of which version of it that is."""

    def __init__(self, target: Path):
        self.target = target
        self.path = target.with_name(f".{target.name}.part")
        self._note = target.with_name(f".{target.name}.part.json")

    def size(self) -> int:
        """Bytes that have come."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def version(self) -> Version:
        """Of what the part is; nothing is known if whoever wrote it did not say."""
        try:
            return Version(**json.loads(self._note.read_text()))
        except (OSError, ValueError, TypeError):
            return Version()

    def drop(self) -> None:
        """Forget what has come."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def restart(self, version: Version) -> None:
        """Make ready for the beginning of a file."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.drop()
        self._note.write_text(json.dumps(vars(version)))

    def is_whole(self) -> bool:
        """Whether all has come, as far as is known."""
        return self.path.is_file() and self.size() == self.version().size

    def finish(self, where: str, digest: str | None) -> None:
        """Put a whole file in its place.

        Raises:
            RefusedError: its SHA-256 does not begin as expected; it is deleted.
        """
        try:
            check_digest(self.path, digest, where)
        except RefusedError:
            self.drop()
            raise
        self.path.replace(self.target)
        self._note.unlink(missing_ok=True)


@contextmanager
def disk(part: Part) -> Iterator[None]:
    """Turn the errors of writing into one that says what to do."""
    try:
        yield
    except requests.RequestException:
        raise
    except OSError as error:
        raise FetchError(
            f"{part.target}: cannot be written: {error.strerror} (make room, or mend the folder, "
            "and fetch again; what has come is kept)"
        ) from error
