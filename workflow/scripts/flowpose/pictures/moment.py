"""What pictures show of a sequence's frames, flows and losses: of the frames a pair, a moment."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from flowpose.evaluation.flow_metrics import FLOW_METRICS
from flowpose.evaluation.score_files import read_scores
from flowpose.flow.field_file import open_flows
from flowpose.flow.patches import FlowPatches
from flowpose.flow.sampling import sample_flow
from flowpose.flow.true_flow_file import TrueField, open_true_flow
from flowpose.pose.pose_file import read_pose
from flowpose.pose.truth_file import Truth
from flowpose.storage import stage_files
from flowpose.video.frames_file import open_frames


@dataclass(frozen=True)
class Moment:
    """A pair of frames, and what the method made of it.

    Attributes:
        pair: number of the first frame.
        picture: the first frame.
        poses: METRO_14 joints in the first frame, px, by "truth", "before" and, if the pose was
            refined, "after"; NaN where a joint is not known.
        motions: to the second frame, px: of the true joints, "truth", and where these are, of the
            flow "before" and "after". If no true joint is known, those of the last pose: "pose".
        flows: before and after, px.
        true_flow: where every pixel goes, and which ones are the person's; None: not known.
        losses: of each finetuning, "flow_k", px (passes, pairs), and the energy of each
            refinement, "pose_k" (steps).
    """

    pair: int
    picture: UInt8[np.ndarray, "H W 3"]
    poses: Mapping[str, Float[np.ndarray, "14 2"]]
    motions: Mapping[str, Float[np.ndarray, "14 2"]]
    flows: tuple[Float[np.ndarray, "H W 2"], Float[np.ndarray, "H W 2"]]
    true_flow: TrueField | None = None
    losses: Mapping[str, Float[np.ndarray, "..."]] = field(default_factory=dict)

    @property
    def has_truth(self) -> bool:
        """Whether any true joint is known."""
        return bool(np.isfinite(self.poses["truth"]).any())

    @property
    def start(self) -> Float[np.ndarray, "14 2"]:
        """The joints whose motions these are, px."""
        if self.has_truth:
            return self.poses["truth"]
        return self.poses.get("after", self.poses["before"])


def pair_to_show(before: Path | str, after: Path | str) -> int:
    """The pair of frames in which the flow's error changed most.

    If no error is known, the one in which the distance of pose and flow did; else the first.

    Args:
        before: flow_scores_k.h5 of the first cycle.
        after: that of the last cycle.
    """
    scores = []
    for path in (before, after):
        with stage_files.opened(path) as h5:
            scores.append(read_scores(h5, FLOW_METRICS))
    for name in ("epe_px", "pose_flow_px"):
        first, last = (of[name].frame_means() for of in scores)
        change = np.abs(last - first)
        if np.isfinite(change).any():
            return int(np.nanargmax(change))
    return 0


def take_moment(
    pair: int,
    frames: Path | str,
    truth: Truth,
    flows: Sequence[Path | str],
    poses: Sequence[Path | str],
    true_flow: Path | str | None,
) -> Moment:
    """What the files of a sequence say of one pair of frames, and of losses.

    Args:
        frames: frames.h5.
        flows: flow_k.h5 of all cycles.
        poses: pose_k.h5, as estimated and after each refinement.
        true_flow: true_flow.h5; None: not known.
    """
    true, next_true = truth.metro_joints_2d()[pair : pair + 2]
    with open_frames(frames) as pictures:
        picture = pictures[pair]
    with open_flows(flows[0]) as fields_before, open_flows(flows[-1]) as fields_after:
        before, after = fields_before[pair], fields_after[pair]
    with open_true_flow(true_flow) if true_flow else nullcontext() as fields:
        field_there = None if fields is None else fields[pair]
    ends = dict.fromkeys((poses[0], poses[-1]))
    estimates = [read_pose(path).project()[pair : pair + 2].astype(np.float64) for path in ends]
    whose, joints, next_joints = "truth", true, next_true
    if not np.isfinite(true).any():
        whose, (joints, next_joints) = "pose", estimates[-1]
    return Moment(
        pair,
        picture,
        poses={
            "truth": true,
            **dict(zip(("before", "after"), (first for first, _ in estimates), strict=False)),
        },
        motions={
            whose: next_joints - joints,
            "before": _flow_at(joints, before),
            "after": _flow_at(joints, after),
        },
        flows=(before, after),
        true_flow=field_there,
        losses=_losses([*flows, *poses]),
    )


def _losses(paths: Sequence[Path | str]) -> dict[str, Float[np.ndarray, "..."]]:
    """The losses of those stages that have some, by the name of their file."""
    found = {}
    for path in map(Path, paths):
        with stage_files.opened(path) as h5:
            if "loss" in h5:
                found[path.stem] = stage_files.read(h5, "loss")
    return found


def _flow_at(
    points: Float[np.ndarray, "J 2"], flow: Float[np.ndarray, "H W 2"]
) -> Float[np.ndarray, "J 2"]:
    """Flow at points, px; NaN where a point is off the image or unknown."""
    sampled, on_image = sample_flow(FlowPatches([flow], points[None]), points[None])
    return np.where(on_image[0, :, None], sampled[0], np.nan)
