"""A page on a sequence for a browser: its frames and poses to go through, in one file."""

import base64
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from plotly.offline import get_plotlyjs

from flowpose.evaluation.frame_marks import MARKS
from flowpose.evaluation.roots import root_relative
from flowpose.evaluation.sequence_scores import SequenceScores
from flowpose.pictures.frame_curves import Curves, frame_curves
from flowpose.pictures.palette import COLOURS, after_cycles
from flowpose.pictures.small_frames import SmallFrames
from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import LENGTH_BONES, METRO_14
from flowpose.pose.truth_file import Truth
from flowpose.storage.whole_files import replacing
from flowpose.version import __version__
from flowpose.video.frames_file import FramesHeader

# The page without its content, and what runs in it: their names are this module's.
_HERE = Path(__file__)
_INTERPOLATED = "frames that the estimator lacks, in which the pose is interpolated"


@dataclass(frozen=True)
class PageContent:
    """What a page shows.

    Attributes:
        title: name of the sequence.
        frames: the pictures.
        header: of which frames of the video.
        poses: as estimated and, if the pose was refined, as refined last.
        truth: where the joints were.
        scores: of all poses, and of the flows of the first and the last cycle.
        cycles: how many there were.
    """

    title: str
    frames: SmallFrames
    header: FramesHeader
    poses: Sequence[Pose]
    truth: Truth
    scores: SequenceScores
    cycles: int


def write_page(path: Path | str, content: PageContent) -> None:
    """Write a page of all frames that takes nothing from elsewhere."""
    data = json.dumps(page_data(content), allow_nan=False, separators=(",", ":"))
    text = Template(_HERE.with_suffix(".html").read_text(encoding="utf-8")).substitute(
        title=html.escape(content.title),
        version=__version__,
        plotly=get_plotlyjs(),
        # What would end the element that it is in.
        data=data.replace("<", "\\u003c"),
        script=_HERE.with_suffix(".js").read_text(encoding="utf-8"),
    )
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def page_data(content: PageContent) -> dict[str, Any]:
    """What the page's script reads: JSON, with arrays as base64 of float32, little-endian."""
    names = {"truth": "truth", "before": "before", "after": after_cycles(content.cycles)}
    curves = frame_curves(content.scores, content.poses, content.truth)
    joints = {
        who: {"space": packed(in_space), "picture": packed(in_picture)}
        for who, (in_space, in_picture) in _joints(content).items()
    }
    return {
        "size": content.frames.size,
        "frames": [base64.b64encode(jpeg).decode() for jpeg in content.frames.jpegs],
        "index": content.header.index.tolist(),
        "time": content.header.time.tolist() if content.header.fps > 0 else None,
        "names": names,
        "colours": {who: COLOURS[who] for who in names},
        "joints": METRO_14.joints,
        "bones": LENGTH_BONES,
        "poses": joints,
        "curves": [_curves_data(of) for of in curves],
        "marks": [
            {"name": name, "summary": summary, "frames": np.flatnonzero(frames).tolist()}
            for name, summary, frames in _marks(content)
            if frames.any()
        ],
    }


def packed(values: Float[np.ndarray, "..."]) -> str:
    """An array as text."""
    return base64.b64encode(values.astype("<f4").tobytes()).decode()


def _joints(content: PageContent) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Of the truth, if any is known, and of each pose the joints.

    In space, m from the middle of the hips; and in the picture, px.
    """
    true = content.truth.joints_3d, content.truth.metro_joints_2d()
    joints = {"truth": true} if any(np.isfinite(of).any() for of in true) else {}
    for who, pose in zip(("before", "after"), content.poses, strict=False):
        joints[who] = pose.joints_3d, pose.project()
    return {who: (root_relative(space), picture) for who, (space, picture) in joints.items()}


def _curves_data(curves: Curves) -> dict[str, Any]:
    values = {who: packed(of) for who, of in curves.values.items()}
    return {
        "title": curves.title,
        "unit": curves.unit,
        "digits": curves.digits,
        "summary": curves.summary,
        "values": values,
    }


def _marks(content: PageContent) -> Iterable[tuple[str, str, Bool[np.ndarray, "T"]]]:
    """Names and meanings of marks, and the frames that have them."""
    yield "interpolated", _INTERPOLATED, ~content.poses[0].estimated
    for name, summary in MARKS.items():
        yield name, summary, content.scores.marks[-1][name]
