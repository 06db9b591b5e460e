"""How sure a mean is: its bootstrap interval over sequences or, of few, over blocks of frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from flowpose.errors import check

_LEVEL = 0.95
_RESAMPLES = 2000
# Fewer sequences than these say too little of how sequences differ.
ENOUGH_SEQUENCES = 10


@dataclass(frozen=True)
class Interval:
    """A mean and the bounds between which it is with a probability of 95 %.

    Attributes:
        over: what was drawn anew, `sequences` or `blocks of frames`; the latter says nothing of
            other sequences, only of other moments of these.
    """

    mean: float
    low: float
    high: float
    over: str


def interval(sequences: Sequence[Float[np.ndarray, "_"]], *, seed: int = 0) -> Interval:
    """The mean over sequences of their means over frames, each sequence counting alike.

    To compare two variants of the method on the same frames, give the differences of their values:
    what sequences and frames have in common then cancels.

    Args:
        sequences: a value a frame; NaN: not known. A sequence without any value does not count.
        seed: of what is drawn.

    Returns:
        The interval between the percentiles of the means of 2000 draws (Efron, 1979): of sequences,
        or where these are fewer than 10, of blocks of each sequence's frames.

    Raises:
        InputError: no value is known.
    """
    known = [values for values in sequences if np.isfinite(values).any()]
    check(bool(known), "interval", "no value is known")
    rng = np.random.default_rng(seed)
    if len(known) >= ENOUGH_SEQUENCES:
        means = np.array([np.nanmean(values) for values in known])
        drawn = means[rng.integers(len(means), size=(_RESAMPLES, len(means)))].mean(1)
        over = "sequences"
    else:
        drawn = np.mean([_block_means(values, rng) for values in known], axis=0)
        over = "blocks of frames"
    low, high = np.nanquantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    mean = float(np.mean([np.nanmean(values) for values in known]))
    return Interval(mean, float(low), float(high), over)


def block_length(n_frames: int) -> int:
    """How many frames in a row are drawn together, as neighbours are alike.

    Grows as the cube root of the frames (Hall, Horowitz and Jing, 1995), twice that, as errors of
    poses drift over several frames.
    """
    return max(1, min(round(2 * n_frames ** (1 / 3)), n_frames // 2))


def _block_means(
    values: Float[np.ndarray, "T"], rng: np.random.Generator
) -> Float[np.ndarray, "resamples"]:
    """Means of draws of blocks of frames, which go on from the last to the first frame.

    So every frame is drawn as often (Politis and Romano, 1992). NaN where no value drawn is known.
    """
    n, length = len(values), block_length(len(values))
    starts = rng.integers(n, size=(_RESAMPLES, -(-n // length), 1))
    frames = ((starts + np.arange(length)) % n).reshape(_RESAMPLES, -1)[:, :n]
    drawn = values[frames]
    known = np.isfinite(drawn)
    total, count = np.where(known, drawn, 0).sum(1), known.sum(1)
    return np.divide(total, count, out=np.full(_RESAMPLES, np.nan), where=count > 0)
