"""A picture of a sequence: what the method did to its poses and flows, and to their scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patheffects import withStroke
from torchvision.utils import flow_to_image

from flowpose.evaluation.metric import Metric, Scores
from flowpose.evaluation.pictured import PICTURED
from flowpose.evaluation.sequence_scores import SequenceScores
from flowpose.pictures.drawing import (
    STYLE,
    draw_curve,
    draw_title,
    key,
    number_frames,
    save,
    say,
)
from flowpose.pictures.moment import Moment
from flowpose.pictures.palette import BETWEEN, COLOURS, after_cycles
from flowpose.pictures.part import Part
from flowpose.pose.skeletons import FLOW_BONES

# What is drawn first is wider, so that it shows below what coincides with it.
_WIDTHS = {"truth": 4.5, "pose": 4.5, "before": 3, "after": 1.8}
# Arrows are drawn longer by the largest of these factors that keeps the longest one within a
# part of the picture's side.
_ARROW_FACTORS = (1, 2, 5, 10, 20, 50, 100)
_ARROW_PART = 0.4


def draw_figure(moment: Moment, scores: SequenceScores, *paths: Path | str, title: str) -> None:
    """Draw what the method did to a sequence, as PNG (1600 x 1000 px) or PDF.

    Args:
        moment: what is shown of the frames.
        title: name of the sequence.
    """
    pair = moment.pair
    whose, what, changed = "pose", "the distance of pose and flow", True
    if moment.has_truth:
        whose, what = "truth", "the flow's error"
        changed = not np.array_equal(*moment.flows)
    known = np.isfinite(moment.motions[whose]).any()
    why = f", where {what} changed most" if known and changed else ""
    with style.context(STYLE):
        layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
        figure = Figure(figsize=(16, 10), dpi=100, layout=layout)
        rows = figure.add_gridspec(2, 1, height_ratios=(0.92, 1))
        upper, lower = figure.add_subfigure(rows[0]), figure.add_subfigure(rows[1])
        *curves, change = lower.subplots(1, len(PICTURED) + 1)
        names = {"after": after_cycles(len(scores.flows) - 1), "pose": "pose's motion"}
        draw_title(
            figure,
            f"{title}: frames {pair} to {pair + 1}{why}",
            [key(who, names.get(who, who)) for who in COLOURS if who in moment.motions],
        )
        _draw_moment((*upper.subplots(1, 4), change), moment)
        _draw_scores(curves, scores, mark=pair)
        save(figure, *paths)


def _draw_moment(axes: Sequence[Axes], moment: Moment) -> None:
    """Five pictures: poses, motions, the flows before and after, and how far these differ."""
    points = np.concatenate(list(moment.poses.values()))
    height, width = moment.picture.shape[:2]
    part = Part.around(points, (width, height))
    _draw_picture(axes[0], moment.picture, part, opacity=0.7)
    _draw_poses(axes[0], moment.poses)
    _draw_picture(axes[1], moment.picture, part, opacity=0.35)
    _draw_motions(axes[1], moment, max(part.width, part.height))
    _draw_flows(axes[2:4], moment.flows, part)
    _draw_difference(axes[4], moment.flows, part)
    for panel in axes:
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set(visible=True, color="0.8")


def _draw_picture(
    axes: Axes, picture: UInt8[np.ndarray, "H W 3"], part: Part, opacity: float
) -> None:
    pale = 255 - (255 - part.of(picture).astype(float)) * opacity
    axes.imshow(pale.astype(np.uint8), extent=part.extent, interpolation="bicubic")
    # What reaches beyond the picture would widen it.
    axes.autoscale(False)


def _draw_poses(axes: Axes, poses: Mapping[str, Float[np.ndarray, "14 2"]]) -> None:
    for who, joints in _in_order(poses):
        for bone in FLOW_BONES:
            axes.plot(
                *joints[list(bone)].T,
                color=COLOURS[who],
                linewidth=_WIDTHS[who],
                solid_capstyle="round",
            )
    axes.set_title("Poses")


def _draw_motions(axes: Axes, moment: Moment, side: float) -> None:
    """Arrows from the joints; `side` of the picture, px, bounds their length."""
    longest = max(np.nanmax(np.hypot(*motion.T), initial=0) for motion in moment.motions.values())
    factor = max(f for f in _ARROW_FACTORS if f == 1 or 0 < f * longest <= _ARROW_PART * side)
    for who, motion in _in_order(moment.motions):
        known = np.isfinite(motion).all(-1)
        axes.quiver(
            *moment.start[known].T,
            *motion[known].T,
            color=COLOURS[who],
            angles="xy",
            scale_units="xy",
            scale=1 / factor,
            units="dots",
            width=_WIDTHS[who],
            path_effects=[withStroke(linewidth=1, foreground="white")],
        )
    axes.set_title(f"Motion of the joints, drawn {factor}x")


def _in_order(
    points: Mapping[str, Float[np.ndarray, "14 2"]],
) -> list[tuple[str, Float[np.ndarray, "14 2"]]]:
    """As they are drawn: those that others may lie upon first."""
    return [(who, points[who]) for who in COLOURS if who in points]


def _draw_flows(
    axes: Sequence[Axes], flows: Sequence[Float[np.ndarray, "H W 2"]], part: Part
) -> None:
    """Both flows, coloured alike, with the wheel of colours beside."""
    fields = np.stack([part.of(flow) for flow in flows])
    fastest = np.linalg.norm(fields, axis=-1).max()
    for panel, image, when in zip(axes, _coloured(fields), ("before", "after"), strict=True):
        panel.imshow(image, extent=part.extent)
        panel.set_title(f"Flow {when}")
    wheel = axes[1].inset_axes((0.55, 0.01, 0.44, 0.22), anchor="SE")
    wheel.imshow(_wheel())
    wheel.set_axis_off()
    axes[1].set_xlabel(f"rim of the wheel: {fastest:.1f} px", loc="right")


def _coloured(flows: Float[np.ndarray, "n H W 2"]) -> UInt8[np.ndarray, "n H W 3"]:
    """Flows as hue and saturation, full where the fastest of all is."""
    images = flow_to_image(torch.as_tensor(flows, dtype=torch.float32).permute(0, 3, 1, 2))
    return images.permute(0, 2, 3, 1).numpy()


def _wheel(size: int = 101) -> Float[np.ndarray, "size size 4"]:
    """The colours of all directions and speeds, on nothing."""
    x, y = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    inside = np.hypot(x, y) <= 1
    disc = np.stack([x, y], -1) * inside[..., None]
    return np.dstack([_coloured(disc[None])[0] / 255, inside])


def _draw_difference(
    axes: Axes, flows: tuple[Float[np.ndarray, "H W 2"], Float[np.ndarray, "H W 2"]], part: Part
) -> None:
    difference = np.linalg.norm(part.of(flows[1]) - part.of(flows[0]), axis=-1)
    image = axes.imshow(difference, extent=part.extent, cmap="Greys", vmin=0)
    below = axes.inset_axes((0, -0.07, 1, 0.03))
    bar = axes.figure.colorbar(image, cax=below, orientation="horizontal", label="change (px)")
    bar.outline.set_visible(False)
    axes.set_title("Change of the flow")
    axes.set_anchor("N")


def _draw_scores(axes: Sequence[Axes], scores: SequenceScores, *, mark: int) -> None:
    """The curves of a metric in each panel, with a line at the marked frame."""
    for panel, metrics in zip(axes, PICTURED, strict=True):
        known = [metric for metric in metrics if scores.knows(metric)]
        metric = next(iter(known), metrics[0])
        panel.set_title(metric.title)
        if known:
            _draw_curves(panel, metric, scores.history(metric))
            number_frames(panel, len(scores.scored))
            panel.axvline(mark, color="0.8", linewidth=1, zorder=0)
        else:
            say(panel, "not known")


def _draw_curves(axes: Axes, metric: Metric, history: Sequence[Scores]) -> None:
    """A curve a pose or flow over the frames; the legend has their means."""
    highest, last = 0.0, len(history) - 1
    for k, scores in enumerate(history):
        who = "before" if k == 0 else "after" if k == last else "in between"
        at_end = who in COLOURS
        label = f"{who}: mean {scores.mean():.{metric.digits}f}" if at_end else who
        curve = draw_curve(
            axes,
            metric,
            scores.frame_means(),
            COLOURS.get(who, BETWEEN),
            bold=at_end,
            zorder=3 if at_end else 2,
            label=label if at_end or k == 1 else None,
        )
        highest = float(np.nanmax(curve, initial=highest))
    axes.set(ylabel=f"mean over joints ({metric.unit})", ylim=(0, 1.4 * (highest or 1)))
    axes.legend(loc="upper left")
