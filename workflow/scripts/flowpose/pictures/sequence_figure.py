"""A picture of a sequence: what the method did to its poses and flows, and to their errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch
from jaxtyping import Float, UInt8
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from torchvision.utils import flow_to_image

from flowpose.evaluation.metrics import masked_mean
from flowpose.evaluation.scores import read_means
from flowpose.flow.field_file import open_flows
from flowpose.flow.patches import FlowPatches
from flowpose.flow.sampling import sample_flow
from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import FLOW_BONES, METRO_14
from flowpose.pose.truth_file import Truth
from flowpose.storage import stage_files
from flowpose.storage.whole_files import replacing
from flowpose.video.frames_file import open_frames

# From the palette of Okabe and Ito, which people with any colour vision tell apart.
_COLOURS = {"truth": "#000000", "before": "#D55E00", "after": "#0072B2"}
_BETWEEN = "#56B4E9"
# What is drawn first is wider, so that it shows below what coincides with it.
_WIDTHS = {"truth": 4.5, "before": 3, "after": 1.8}
_STYLE = {
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
}
# How much of a frame is shown, in extents of the person.
_MARGIN = 1.35
# Arrows are drawn longer by the largest of these factors that keeps the longest one within a
# part of the picture's side.
_ARROW_FACTORS = (1, 2, 5, 10, 20, 50, 100)
_ARROW_PART = 0.4


@dataclass(frozen=True)
class Moment:
    """A pair of frames, and what the method made of it.

    Attributes:
        picture: the first frame.
        poses: METRO_14 joints in the first frame, px, by "truth", "before" and, if the pose was
            refined, "after"; NaN where a joint is not known.
        motions: of the true joints to the second frame, px, by "truth", "before" and "after".
        flows: before and after, px.
    """

    picture: UInt8[np.ndarray, "H W 3"]
    poses: Mapping[str, Float[np.ndarray, "14 2"]]
    motions: Mapping[str, Float[np.ndarray, "14 2"]]
    flows: tuple[Float[np.ndarray, "H W 2"], Float[np.ndarray, "H W 2"]]


@dataclass(frozen=True)
class Errors:
    """Errors of one kind, cycle by cycle.

    Attributes:
        per_frame: the mean over joints in each frame; NaN where none counts.
        means: over all frames and joints.
    """

    per_frame: Float[np.ndarray, "cycles n"]
    means: Sequence[float]


@dataclass(frozen=True)
class Part:
    """The part of a frame that is shown: its first column and row, its width and height, px."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def around(cls, points: Float[np.ndarray, "n 2"], size: tuple[int, int]) -> "Part":
        """A square around points, as far as a frame of a size (width, height) reaches.

        All of the frame, if no point is known.
        """
        known = points[np.isfinite(points).all(-1)]
        if not len(known):
            return cls(0, 0, *size)
        low, high = known.min(0), known.max(0)
        sides = np.clip(np.ceil(_MARGIN * (high - low).max()), 2, size).astype(int)
        starts = np.clip((low + high - sides) / 2, 0, np.array(size) - sides).astype(int)
        return cls(*starts.tolist(), *sides.tolist())

    def of(self, image: np.ndarray) -> np.ndarray:
        """The part of an image or a field (H, W, ...)."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, lower and upper border, px; pixel centres are at whole numbers."""
        left, top = self.left - 0.5, self.top - 0.5
        return left, left + self.width, top + self.height, top


def draw_figure(
    path: Path | str,
    frames: Path | str,
    truth: Truth,
    metrics: Path | str,
    flows: Sequence[Path | str],
    poses: Sequence[Pose],
    *,
    title: str,
) -> None:
    """Draw what the method did to a sequence, as a PNG of 1600 x 1000 px.

    Args:
        frames: frames.h5.
        metrics: metrics.h5.
        flows: flow_k.h5 of the first and the last cycle.
        poses: the pose as estimated and, if it was refined, as last refined.
        title: name of the sequence.
    """
    flow, *pose = (read_errors(metrics, name) for name in ("epe_px", "mpjpe_mm", "accel_mm"))
    pair = most_changed(flow)
    moment = read_moment(pair, frames, truth, flows, poses)
    with style.context(_STYLE):
        layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
        figure = Figure(figsize=(16, 10), dpi=100, layout=layout)
        rows = figure.add_gridspec(2, 1, height_ratios=(0.92, 1))
        upper, lower = figure.add_subfigure(rows[0]), figure.add_subfigure(rows[1])
        *curves, change = lower.subplots(1, 4)
        _draw_head(figure, _heading(title, pair, flow), cycles=len(flow.means) - 1)
        _draw_moment((*upper.subplots(1, 4), change), moment)
        _draw_errors(curves, flow, pose, refined=len(poses) > 1, mark=pair)
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png")


def read_errors(path: Path | str, name: str) -> Errors:
    """The errors that metrics.h5 has under a name, such as `epe_px`."""
    with stage_files.opened(path) as h5:
        per_frame = [_frame_means(h5[f"cycle_{cycle}"], name) for cycle in range(len(h5))]
    return Errors(np.array(per_frame), [means[name] for means in read_means(path)])


def most_changed(errors: Errors) -> int:
    """Where the last cycle's error differs most from the first one's; 0 if none is known."""
    change = np.abs(errors.per_frame[-1] - errors.per_frame[0])
    return int(np.nanargmax(change)) if np.isfinite(change).any() else 0


def read_moment(
    pair: int,
    frames: Path | str,
    truth: Truth,
    flows: Sequence[Path | str],
    poses: Sequence[Pose],
) -> Moment:
    """What the files of a sequence say of one pair of frames; arguments as of `draw_figure`."""
    joints, next_joints = _metro_joints(truth)[pair : pair + 2]
    with open_frames(frames) as pictures:
        picture = pictures[pair]
    with open_flows(flows[0]) as fields_before, open_flows(flows[-1]) as fields_after:
        before, after = fields_before[pair], fields_after[pair]
    estimates = [pose.project()[pair] for pose in poses]
    return Moment(
        picture,
        poses={"truth": joints, **dict(zip(("before", "after"), estimates, strict=False))},
        motions={
            "truth": next_joints - joints,
            "before": _flow_at(joints, before),
            "after": _flow_at(joints, after),
        },
        flows=(before, after),
    )


def _frame_means(group: h5py.Group, name: str) -> Float[np.ndarray, "n"]:
    values, valid = stage_files.read(group, name), stage_files.read(group, f"valid_{name}")
    return np.array([masked_mean(*frame) for frame in zip(values, valid, strict=True)])


def _metro_joints(truth: Truth) -> Float[np.ndarray, "T 14 2"]:
    """The true joints that METRO_14 also has; NaN for its others."""
    joints = np.full((len(truth.joints_2d), len(METRO_14), 2), np.nan)
    for joint, name in enumerate(METRO_14.joints):
        if name in truth.names_2d:
            joints[:, joint] = truth.joints_2d[:, truth.names_2d.index(name)]
    return joints


def _flow_at(
    points: Float[np.ndarray, "J 2"], flow: Float[np.ndarray, "H W 2"]
) -> Float[np.ndarray, "J 2"]:
    """Flow at points, px; NaN where a point is off the image or unknown."""
    sampled, on_image = sample_flow(FlowPatches([flow], points[None]), points[None])
    return np.where(on_image[0, :, None], sampled[0], np.nan)


def _heading(title: str, pair: int, flow: Errors) -> str:
    why = ", where the flow's error changed most" if np.isfinite(flow.means[0]) else ""
    return f"{title}: frames {pair} to {pair + 1}{why}"


def _draw_head(figure: Figure, title: str, cycles: int) -> None:
    """The title, and what the colours mean."""
    figure.suptitle(title, x=0.008, ha="left")
    after = f"after {cycles} cycle" + ("s" if cycles > 1 else "")
    handles = [
        Line2D([], [], color=colour, linewidth=4, label={"after": after}.get(who, who))
        for who, colour in _COLOURS.items()
    ]
    figure.legend(handles=handles, loc="upper right", ncols=3, fontsize=16, borderaxespad=0.3)


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
    for who, joints in poses.items():
        for bone in FLOW_BONES:
            axes.plot(
                *joints[list(bone)].T,
                color=_COLOURS[who],
                linewidth=_WIDTHS[who],
                solid_capstyle="round",
            )
    axes.set_title("Poses")


def _draw_motions(axes: Axes, moment: Moment, side: float) -> None:
    """Arrows from the true joints; `side` of the picture, px, bounds their length."""
    longest = max(np.nanmax(np.hypot(*motion.T), initial=0) for motion in moment.motions.values())
    factor = max(f for f in _ARROW_FACTORS if f == 1 or 0 < f * longest <= _ARROW_PART * side)
    for who, motion in moment.motions.items():
        known = np.isfinite(motion).all(-1)
        axes.quiver(
            *moment.poses["truth"][known].T,
            *motion[known].T,
            color=_COLOURS[who],
            angles="xy",
            scale_units="xy",
            scale=1 / factor,
            units="dots",
            width=_WIDTHS[who],
            path_effects=[withStroke(linewidth=1, foreground="white")],
        )
    axes.set_title(f"Motion of the joints, drawn {factor}x")


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


def _draw_errors(
    axes: Sequence[Axes], flow: Errors, pose: Sequence[Errors], *, refined: bool, mark: int
) -> None:
    """Curves of the errors of flow, pose and acceleration, with a line at the marked frame."""
    last = len(flow.means) - 1
    of_pose = (0, last) if refined else (0,)
    _draw_curves(axes[0], flow, range(last + 1), "px", digits=2)
    _draw_curves(axes[1], pose[0], of_pose, "mm")
    # An acceleration is that of the middle one of its three frames.
    _draw_curves(axes[2], pose[1], of_pose, "mm/frame²", first=1)
    n_frames = pose[0].per_frame.shape[1]
    titles = ("Flow at joints: end-point error", "Pose: MPJPE", "Pose: acceleration error")
    for panel, title in zip(axes, titles, strict=True):
        panel.axvline(mark, color="0.8", linewidth=1, zorder=0)
        panel.set(title=title, xlim=(-0.5, n_frames - 0.5))


def _draw_curves(
    axes: Axes,
    errors: Errors,
    cycles: Sequence[int],
    unit: str,
    *,
    digits: int = 1,
    first: int = 0,
) -> None:
    """A curve a cycle over the frames from `first` on; the legend has the cycles' means."""
    last = len(errors.means) - 1
    for cycle in cycles:
        values = errors.per_frame[cycle]
        who = {0: "before", last: "after"}.get(cycle, "in between")
        at_end = who in _COLOURS
        label = f"{who}: mean {errors.means[cycle]:.{digits}f}" if at_end else who
        axes.plot(
            first + np.arange(len(values)),
            values,
            color=_COLOURS.get(who, _BETWEEN),
            linewidth=1.8 if at_end else 0.9,
            # A frame between two unknown ones has no line.
            marker="o",
            markersize=3 if at_end else 1.5,
            zorder=3 if at_end else 2,
            label=label if at_end or cycle == 1 else None,
        )
    highest = np.nanmax(errors.per_frame[list(cycles)], initial=0) or 1
    axes.set(xlabel="frame", ylabel=f"mean error ({unit})", ylim=(0, 1.4 * highest))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.legend(loc="upper left")
