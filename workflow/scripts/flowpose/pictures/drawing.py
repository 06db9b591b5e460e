"""What pictures have in common: style, titles, curves over frames, and the files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from flowpose.evaluation.metric import Metric
from flowpose.pictures.palette import COLOURS
from flowpose.storage.whole_files import replacing

STYLE = {
    "font.size": 13,
    "axes.titlesize": 15,
    "axes.titlelocation": "left",
    "axes.edgecolor": "0.5",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": "0.5",
    "ytick.color": "0.5",
    "xtick.labelcolor": "0.2",
    "ytick.labelcolor": "0.2",
    "legend.frameon": False,
    "legend.handlelength": 1.2,
    "legend.labelspacing": 0.25,
    "figure.titlesize": 18,
    # Text in a PDF stays text.
    "pdf.fonttype": 42,
}
# Curves of more points have no dots to see, which would hide them; none has more than the most.
_FEW_POINTS, _MOST_POINTS = 100, 250
# As many as leave room for large numbers.
_FRAME_TICKS = 6


def save(figure: Figure, *paths: Path | str) -> None:
    """Write a picture to files of which each name's ending says the format."""
    for path in paths:
        kind = Path(path).suffix[1:]
        # A date would make another file of the same picture.
        metadata = {"CreationDate": None} if kind == "pdf" else None
        with replacing(path) as temporary:
            figure.savefig(temporary, format=kind, metadata=metadata)
        # It stays as it was laid out for the first.
        figure.set_layout_engine("none")


def draw_title(figure: Figure, title: str, handles: Sequence[Line2D] = ()) -> None:
    """The title, in smaller letters if it is long, and what colours mean beside it."""
    words = figure.suptitle(title, x=0.008, ha="left")
    end = figure.bbox.x1
    if handles:
        legend = figure.legend(
            handles=handles, loc="upper right", ncols=4, fontsize=16, borderaxespad=0.3
        )
        end = legend.get_window_extent().x0
    extent = words.get_window_extent()
    room = 0.98 * (end - extent.x0)
    if extent.width > room:
        words.set_fontsize(words.get_fontsize() * room / extent.width)


def key(who: str, label: str = "") -> Line2D:
    """What a colour means, for a legend."""
    return Line2D([], [], color=COLOURS[who], label=label or who, linewidth=4)


def draw_curve(
    axes: Axes,
    metric: Metric,
    values: Float[np.ndarray, "n"],
    colour: str,
    *,
    bold: bool = True,
    **style: Any,
) -> Float[np.ndarray, "m"]:
    """Draw a metric over the frames: a value of three at the middle one, of two at the first.

    Returns:
        The values of the curve's points.
    """
    start = ((metric.span or 1) - 1) // 2
    frames, values = thinned(start + np.arange(len(values)), values)
    axes.plot(frames, values, color=colour, **_curve_style(len(values), bold), **style)
    return values


def thinned(
    frames: Shaped[np.ndarray, "n"], values: Float[np.ndarray, "n"]
) -> tuple[Float[np.ndarray, "m"], Float[np.ndarray, "m"]]:
    """A curve that can be drawn: of a long one, means over as many frames in a row as it takes.

    Returns:
        Where the means stand, and what they are; NaN where nothing is known.
    """
    n = frames_a_point(len(values))
    if n == 1:
        return frames.astype(float), values
    starts = np.arange(0, len(values), n)
    known = np.isfinite(values)
    counts = np.add.reduceat(known.astype(float), starts)
    sums = np.add.reduceat(np.where(known, values, 0), starts)
    means = np.divide(sums, counts, out=np.full(len(starts), np.nan), where=counts > 0)
    return frames[starts] + (n - 1) / 2, means


def frames_a_point(n_frames: int) -> int:
    """Over how many frames each point of a curve is a mean."""
    return -(-n_frames // _MOST_POINTS)


def _curve_style(n_points: int, bold: bool) -> dict[str, Any]:
    """Lines of a curve over frames: thin and without dots, where there are many."""
    few = n_points <= _FEW_POINTS
    return {
        "linewidth": (1.8 if few else 1.0) if bold else 0.9 if few else 0.6,
        # A frame between two unknown ones has no line.
        "marker": "o",
        "markersize": (3 if few else 0.9) if bold else 1.5 if few else 0.6,
    }


def number_frames(axes: Axes, n_frames: int) -> None:
    """An axis of whole frames."""
    n = frames_a_point(n_frames)
    axes.set(xlim=(-0.5, n_frames - 0.5), xlabel="frame" if n == 1 else f"frame (means over {n})")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=_FRAME_TICKS, integer=True, min_n_ticks=1))


def say(axes: Axes, text: str) -> None:
    """A panel that has nothing to show, and why."""
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)
    axes.set(xticks=[], yticks=[])
