"""What frames and flows have in common, and how reading and writing them never waits."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar, runtime_checkable

Item = TypeVar("Item", covariant=True)
Read = TypeVar("Read")
Index = TypeVar("Index")


@runtime_checkable
class Stream(Protocol[Item]):
    """Items by index, and how many."""

    def __len__(self) -> int:
        """How many."""

    def __getitem__(self, t: int, /) -> Item:
        """The item of index t."""


def read_ahead(read: Callable[[Index], Read], order: Iterable[Index]) -> Iterator[Read]:
    """What `read` returns for each index; the next one is read while one is being worked on.

    An error of `read` is raised where its result would have come. `read` should compute nothing
    with torch on the CPU: in a thread torch has other threads of its own, and where these are more
    than there are cores, OpenMP has all of them sleep between operations.
    """
    coming: Future[Read] | None = None
    with ThreadPoolExecutor(1) as reader:
        for index in order:
            ready, coming = coming, reader.submit(read, index)
            if ready is not None:
                yield ready.result()
        if coming is not None:
            yield coming.result()


@contextmanager
def written_behind() -> Iterator[Callable[..., None]]:
    """Makes calls in the background, one after the other, while the body goes on.

    At most one waits while another is made, so that what is written does not pile up. An error of
    a call is raised at one of the next, or at the end of the body.
    """
    calls: list[Future[None]] = []

    def write(function: Callable[..., None], *arguments: object) -> None:
        calls.append(writer.submit(function, *arguments))
        if len(calls) > 2:
            calls.pop(0).result()

    with ThreadPoolExecutor(1) as writer:
        yield write
        for call in calls:
            call.result()
