"""What frames and flows have in common, and how reading and writing them never waits."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar, runtime_checkable

Item = TypeVar("Item", covariant=True)
Read = TypeVar("Read")
Made = TypeVar("Made")
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


def worked_behind(
    work: Callable[[Item], Made], items: Iterable[Item], threads: int
) -> Iterator[Made]:
    """What `work` makes of each item, in order, by threads in the background as the items come.

    Where all of them are at work, the next item waits, so that nothing piles up. An error of `work`
    is raised where its result would have come.
    """
    coming: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(threads) as workers:
        for item in items:
            coming.append(workers.submit(work, item))
            if len(coming) > threads:
                yield coming.popleft().result()
        for made in coming:
            yield made.result()
