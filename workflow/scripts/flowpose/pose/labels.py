"""What a data set says of where joints were, and how it becomes a sequence's truth."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from flowpose.errors import check
from flowpose.pose.skeletons import METRO_14, Skeleton, convert
from flowpose.pose.truth_file import Truth
from flowpose.video.frames_file import FramesHeader


@dataclass(frozen=True)
class Labels:
    """Where joints were in the frames of a video, from its first on; NaN where that is not known.

    Attributes:
        source: where this comes from, for messages.
        joints_3d: (F, J, 3) m, the camera's frame.
        skeleton_3d: the J joints.
        joints_2d: (F, K, 2) px of the video.
        skeleton_2d: the K joints.
        video_size: width and height of the video that they are of, px; None: not known.
        may_lack: so many frames at the video's end may have no labels; None: any number.
        remarks: what a reader of the results should know of them.
    """

    source: str
    joints_3d: Float[np.ndarray, "F J 3"]
    skeleton_3d: Skeleton
    joints_2d: Float[np.ndarray, "F K 2"]
    skeleton_2d: Skeleton
    video_size: tuple[int, int] | None = None
    may_lack: int | None = 0
    remarks: tuple[str, ...] = ()


def assemble_truth(labels: Labels, header: FramesHeader) -> Truth:
    """The labels of the frames that are used; of frames after the last label, nothing is known.

    Raises:
        InputError: the labels end too early, or are of a video of another size.
    """
    n, last = len(labels.joints_3d), int(header.index[-1])
    check(
        labels.may_lack is None or last < n + labels.may_lack,
        labels.source,
        f"labels of {n} frames, frame {last} of the video's {header.video.n_frames} is used",
        "are they of another video?",
    )
    check(
        labels.video_size in (None, header.video.size),
        labels.source,
        f"2D labels for a video of {labels.video_size} px, it has {header.video.size}",
        "use the data set's own video, and frames.width to make its frames smaller",
    )
    return Truth(
        convert(_of_frames(labels.joints_3d, header.index), labels.skeleton_3d, METRO_14),
        header.view.to_frame(_of_frames(labels.joints_2d, header.index)),
        labels.skeleton_2d.joints,
        header.time,
    )


def _of_frames(
    points: Float[np.ndarray, "F joint dim"], index: Int[np.ndarray, "T"]
) -> Float[np.ndarray, "T joint dim"]:
    """Points of some frames, NaN in those after the last."""
    out = np.full((len(index), *points.shape[1:]), np.nan, points.dtype)
    known = index < len(points)
    out[known] = points[index[known]]
    return out
