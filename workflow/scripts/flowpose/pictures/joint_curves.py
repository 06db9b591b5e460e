"""A picture of a sequence's joints: the error of each over time, or its motion without a truth."""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flowpose.evaluation.metric import Metric, Scores, masked_mean
from flowpose.evaluation.pose_metrics import POSE_METRICS
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
from flowpose.pictures.palette import COLOURS, after_cycles
from flowpose.pose.skeletons import METRO_14

# The first one that is known is shown.
_SHOWN = ("mpjpe_mm", "error_2d_px", "pose_accel_m_s2")
_TITLES = {"mpjpe_mm": "Distance from the truth"}
# A row each, from top to bottom: one on the right, one on the left.
_ROWS = (
    ("head", "neck"),
    *(
        (f"r_{part}", f"l_{part}")
        for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    ),
)
_PLACES = {"left": 0.06, "right": 0.98, "bottom": 0.05, "top": 0.94, "hspace": 0.32, "wspace": 0.06}
_SIDES = {"r": "right", "l": "left"}


def draw_joint_curves(scores: SequenceScores, *paths: Path | str, title: str) -> None:
    """Draw a panel a joint with its curves before and after, as PNG (1600 x 1500 px) or PDF.

    Args:
        title: name of the sequence.
    """
    metric = joint_metric(scores)
    with style.context(STYLE):
        figure = Figure(figsize=(16, 15), dpi=100)
        what = _TITLES.get(metric.name, metric.title) if metric else "Nothing is known of joints"
        after = key("after", after_cycles(len(scores.flows) - 1))
        draw_title(figure, f"{title}: {what[0].lower()}{what[1:]}", [key("before"), after])
        panels = figure.subplots(len(_ROWS), 2, sharex=True, sharey=True, gridspec_kw=_PLACES)
        for joint, panel in zip(sum(_ROWS, ()), panels.flat, strict=True):
            panel.set_title(name_of(joint), fontsize=13)
            if metric is None:
                say(panel, "not known")
            else:
                draw_joint(panel, scores, metric, METRO_14.index[joint])
        if metric is not None:
            figure.supylabel(f"{what[0].lower()}{what[1:]} ({metric.unit})", fontsize=13)
            panels[0, 0].set_ylim(bottom=0)
            for panel in panels[-1]:
                number_frames(panel, len(scores.scored))
        save(figure, *paths)


def joint_metric(scores: SequenceScores) -> Metric | None:
    """What is shown of each joint: its error in space, else in the picture, else its motion."""
    by_name = {metric.name: metric for metric in POSE_METRICS}
    return next((by_name[name] for name in _SHOWN if scores.knows(by_name[name])), None)


def draw_joint(axes: Axes, scores: SequenceScores, metric: Metric, joint: int) -> None:
    """The curves of a joint; its title has their means."""
    history = scores.history(metric)
    ends = dict(zip(("before", "after"), (history[0], history[-1]), strict=True))
    if len(history) == 1:
        del ends["after"]
    for who, of in ends.items():
        draw_curve(axes, metric, _of_joint(of, joint), COLOURS[who], label=who)
    means = [masked_mean(of.values[:, joint], of.valid[:, joint]) for of in ends.values()]
    if np.isfinite(means).all():
        texts = " to ".join(f"{mean:.{metric.digits}f}" for mean in means)
        axes.set_title(f"mean {texts} {metric.unit}", loc="right", fontsize=12, color="0.3")


def _of_joint(scores: Scores, joint: int) -> Float[np.ndarray, "n"]:
    """The values of a joint; NaN where none counts."""
    return np.where(scores.valid[:, joint], scores.values[:, joint], np.nan)


def name_of(joint: str) -> str:
    """A joint for people: METRO_14's in words, others as they are named."""
    side, _, part = joint.partition("_")
    return f"{_SIDES[side]} {part}" if side in _SIDES else joint
