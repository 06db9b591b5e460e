"""A picture of what a sequence's flow and pose were optimised by: losses of all cycles."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from flowpose.pictures.drawing import STYLE, draw_title, save, say
from flowpose.pictures.palette import BLUE, GREEN, ORANGE, PURPLE, SKY_BLUE, VERMILION

# A cycle each, and again from the first.
_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY_BLUE)
# Of the pairs' losses, the part that the band around their mean holds.
_BAND = (0.1, 0.9)


def draw_losses(
    losses: Mapping[str, Float[np.ndarray, "..."]], *paths: Path | str, title: str
) -> None:
    """Draw the losses of finetunings and the energies of refinements, as PNG (1600 x 700) or PDF.

    Args:
        losses: as `Moment` has them.
        title: name of the sequence.
    """
    with style.context(STYLE):
        layout = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.1)
        figure = Figure(figsize=(16, 7), dpi=100, layout=layout)
        draw_title(figure, f"{title}: losses")
        flow, pose = figure.subplots(1, 2)
        flow.set_title("Finetuning of the flow")
        pose.set_title("Refinement of the pose")
        draw_flow_losses(flow, _of("flow", losses))
        draw_energies(pose, _of("pose", losses))
        save(figure, *paths)


def _of(
    kind: str, losses: Mapping[str, Float[np.ndarray, "..."]]
) -> dict[int, Float[np.ndarray, "..."]]:
    """The losses of flows or of poses, by cycle."""
    cycles = {
        int(stage.rpartition("_")[2]): loss
        for stage, loss in losses.items()
        if stage.startswith(kind)
    }
    return dict(sorted(cycles.items()))


def draw_flow_losses(axes: Axes, cycles: Mapping[int, Float[np.ndarray, "passes pairs"]]) -> None:
    """The mean over pairs in every pass, with where most pairs are, cycle after cycle."""
    if not cycles:
        say(axes, "the flow was not finetuned")
        return
    done = 0
    for k, loss in cycles.items():
        passes, colour = done + 1 + np.arange(len(loss)), _COLOURS[(k - 1) % len(_COLOURS)]
        low, high = np.quantile(loss, _BAND, axis=1)
        axes.fill_between(passes, low, high, color=colour, alpha=0.2, linewidth=0)
        # Of a single pass there is no band to see.
        axes.vlines(passes, low, high, color=colour, alpha=0.3)
        axes.plot(passes, loss.mean(1), "o-", color=colour, label=f"cycle {k}")
        done += len(loss)
    axes.set(xlabel="pass", ylabel="loss, mean and 80 % of the pairs (px)", xlim=(0.5, done + 0.5))
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.legend(loc="best")


def draw_energies(axes: Axes, cycles: Mapping[int, Float[np.ndarray, "steps"]]) -> None:
    """The energy at every step, a curve a cycle."""
    if not cycles:
        say(axes, "no energy was minimised")
        return
    for k, energy in cycles.items():
        colour = _COLOURS[(k - 1) % len(_COLOURS)]
        axes.plot(energy, color=colour, label=f"cycle {k}: {energy[0]:#.4g} to {energy[-1]:#.4g}")
    axes.set(xlabel="step", ylabel="energy (without unit)", ylim=(0, None))
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.legend(loc="best")
