"""What all exports of poses tell: the pose before and after the method, in px of the video."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from flowpose.errors import check
from flowpose.pose.pose_file import Pose, read_pose
from flowpose.pose.weak_perspective import WeakPerspective
from flowpose.video.frames_file import FramesHeader, View, read_header

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlacedPose:
    """A pose in space and in the picture of the video.

    The camera is a weak-perspective one, whose z is not known:
    joints_2d = px_per_m * (x, y of joints_3d) + origin_px.

    Attributes:
        joints_3d: (T, 14, 3) METRO_14 joints, m from the estimator's origin; x right, y down,
            z forward, as the camera sees it.
        joints_2d: (T, 14, 2) where they are in the picture, px of the video.
        px_per_m: (T, 2) scale of the camera along x and y, px of the video per m.
        origin_px: (T, 2) where the estimator's origin is in the picture, px of the video.
    """

    joints_3d: Float[np.ndarray, "T 14 3"]
    joints_2d: Float[np.ndarray, "T 14 2"]
    px_per_m: Float[np.ndarray, "T 2"]
    origin_px: Float[np.ndarray, "T 2"]

    @classmethod
    def of(cls, pose: Pose, view: View) -> "PlacedPose":
        """A pose of frames that are a view of the video."""
        camera = pose.camera.astype(np.float64)
        project = WeakPerspective(pose.crop, np.float64)
        origin = project(np.zeros((len(camera), 1, 3)), camera)[:, 0]
        per_unit = project.px_per_unit[:, 0]
        return cls(
            pose.joints_3d,
            view.to_video(pose.project().astype(np.float64)),
            camera[:, :1] * per_unit / np.array(view.scale),
            view.to_video(origin),
        )


@dataclass(frozen=True)
class ExportedPose:
    """The pose of a sequence as exports tell it.

    Attributes:
        header: of which frames of which video.
        before: as estimated.
        after: as refined last.
        estimated: (T,) false where the estimator had no pose, which is interpolated.
    """

    header: FramesHeader
    before: PlacedPose
    after: PlacedPose
    estimated: Bool[np.ndarray, "T"]


def read_exported_pose(before: Path | str, after: Path | str) -> ExportedPose:
    """What there is to export of two pose files.

    Args:
        before: pose_0.h5, which says which frames it is of.
        after: the last pose_k.h5.

    Raises:
        InputError: a file is missing or damaged.
    """
    header = read_header(before)
    estimate = read_pose(before)
    return ExportedPose(
        header,
        PlacedPose.of(estimate, header.view),
        PlacedPose.of(read_pose(after), header.view),
        estimate.estimated,
    )


def in_the_picture(
    points: Float[np.ndarray, "T J 2"], header: FramesHeader
) -> Float[np.ndarray, "T J 2"]:
    """Points in the picture of the video, px; NaN where they are off it."""
    inside = ((points >= -0.5) & (points <= np.array(header.video.size) - 0.5)).all(
        -1, keepdims=True
    )
    return np.where(inside, points, np.nan)


def y_up(joints: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """Points of the camera's frame in one with y up: half a turn about x.

    x stays right in the picture, z comes out of it toward the camera.
    """
    return joints * np.array([1.0, -1.0, -1.0])


def even_rate(header: FramesHeader, path: Path | str) -> float:
    """Frames a second, for formats in which all frames are equally far apart.

    Logs how far the true times are from that.

    Raises:
        InputError: the video does not say when its frames are shown.
    """
    check(header.fps > 0, path, "the video has no times", "export pose.npz or pose.csv")
    even = header.time[0] + np.arange(len(header.time)) / header.fps
    _log.info(
        "%s: %.6g frames a second, which are shown up to %.1f ms off",
        path,
        header.fps,
        1000 * np.abs(header.time - even).max(),
    )
    return header.fps
