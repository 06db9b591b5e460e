"""What an overlay video shows of a sequence, besides its video and its flows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from flowpose.errors import check
from flowpose.evaluation.roots import root_relative
from flowpose.pose.pose_file import read_pose, read_repairs
from flowpose.pose.repairs import PARTS, Repairs
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.truth_file import read_truth
from flowpose.video.frames_file import FramesHeader, read_header


@dataclass(frozen=True)
class Scene:
    """Poses of a sequence, and what is the matter with its frames.

    Attributes:
        header: which frames of the video are used.
        joints_2d: (T, 14, 2) METRO_14 joints by "before", "after", if the pose was refined, and
            "truth", if any is known; px of the video, NaN where not known.
        joints_3d: (T, 14, 3) the same, m, relative to the middle of the hips.
        remarks: what is the matter with each frame that is used; empty: nothing.
    """

    header: FramesHeader
    joints_2d: Mapping[str, Float[np.ndarray, "T 14 2"]]
    joints_3d: Mapping[str, Float[np.ndarray, "T 14 3"]]
    remarks: tuple[str, ...]

    def place(self, frame: int) -> float:
        """Where a frame of the video is among those that are used: 1.5 is half way from 1 to 2."""
        return float(np.interp(frame, self.header.index, np.arange(len(self.header.index))))

    def time(self, frame: int) -> float:
        """When a frame of the video is shown, s after its first.

        Known of the frames that are used; those in between are as far apart from each other.
        """
        return float(np.interp(frame, self.header.index, self.header.time))


def between(
    poses: Mapping[str, Float[np.ndarray, "T 14 d"]], place: float
) -> dict[str, Float[np.ndarray, "14 d"]]:
    """Poses at a place among the frames, interpolated linearly between two."""
    t, part = int(place), place % 1
    return {
        who: joints[t] + part * (joints[t + 1] - joints[t]) if part else joints[t]
        for who, joints in poses.items()
    }


def read_scene(poses: Sequence[Path | str], truth: Path | str) -> Scene:
    """What the files of a sequence say.

    Args:
        poses: pose_0.h5 and, if it was refined, the last pose_k.h5.
        truth: truth.h5.

    Raises:
        InputError: a file is missing or damaged, or the video has no times.
    """
    header = read_header(poses[0])
    check(header.fps > 0, poses[0], "the video has no times, so an overlay would have none either")
    estimates = dict(zip(("before", "after"), map(read_pose, poses), strict=False))
    true = read_truth(truth)
    joints_2d = {who: pose.project().astype(np.float64) for who, pose in estimates.items()}
    joints_3d = {who: pose.joints_3d.astype(np.float64) for who, pose in estimates.items()}
    joints_2d["truth"], joints_3d["truth"] = true.metro_joints_2d(), true.joints_3d
    return Scene(
        header,
        {who: header.view.to_video(of) for who, of in joints_2d.items() if np.isfinite(of).any()},
        {who: root_relative(of) for who, of in joints_3d.items() if np.isfinite(of).any()},
        remarks_of(estimates["before"].estimated, read_repairs(poses[-1])),
    )


def remarks_of(estimated: Bool[np.ndarray, "T"], repairs: Repairs | None) -> tuple[str, ...]:
    """What is the matter with each frame, in words."""
    remarks = []
    for t, is_estimated in enumerate(estimated):
        found = [] if is_estimated else ["no estimate: pose interpolated"]
        if repairs is not None:
            exchanged = [
                f"{what} ({', '.join(np.array(PARTS)[of[t]])})"
                for what, of in (
                    ("detections", repairs.detections_exchanged),
                    ("pose", repairs.pose_exchanged),
                )
                if of[t].any()
            ]
            found += [f"left and right repaired: {', '.join(exchanged)}"] if exchanged else []
            masked = np.array(METRO_14.joints)[repairs.masked[t]]
            found += [f"detections left out: {', '.join(masked)}"] if len(masked) else []
        remarks.append("; ".join(found))
    return tuple(remarks)
