"""How things are timed: in turns, so that a machine whose speed drifts favours none."""

import statistics
import time
from collections.abc import Callable

TURNS = 3


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def in_turns(*runs: Callable[[], object]) -> tuple[float, ...]:
    """Median seconds of each, after a warm-up."""
    for run in runs:
        run()
    times = [[seconds(run) for run in runs] for _ in range(TURNS)]
    return tuple(statistics.median(column) for column in zip(*times, strict=True))


def row(name: str, value: float, unit: str, baseline: float | None = None) -> dict[str, object]:
    """A line of the table; `ratio` is how many times less than the baseline the value is."""
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "baseline": baseline,
        "ratio": baseline / value if baseline is not None else None,
    }
