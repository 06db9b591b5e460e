"""What frames and flows have in common, be they in memory or read from a file one by one."""

from typing import Protocol, TypeVar, runtime_checkable

Item = TypeVar("Item", covariant=True)


@runtime_checkable
class Stream(Protocol[Item]):
    """Items by index, and how many."""

    def __len__(self) -> int:
        """How many."""

    def __getitem__(self, t: int, /) -> Item:
        """The item of index t."""
