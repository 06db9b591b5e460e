"""Pose estimates of MediaPipe Pose, as the demo ships them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from flowpose.errors import check
from flowpose.pose.keypoint_file import Keypoints
from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import MEDIAPIPE_33, METRO_14, convert, convert_confidence
from flowpose.pose.weak_perspective import Crop, fit_weak_perspective
from flowpose.storage.plain_npz import camera_index, field, read_npz
from flowpose.video.decoding import VideoInfo
from flowpose.video.frames_file import FramesHeader


@dataclass(frozen=True)
class MediaPipeEstimates:
    """What MediaPipe says of one video.

    Attributes:
        world: (F, 33, 3) joints relative to the hips, m, x right, y down, z forward.
        pixels: (F, 33, 2) joints, video px.
        visibility: (F, 33) 0 to 1.
        image_size: width and height of the video, px.
    """

    world: Float[np.ndarray, "F 33 3"]
    pixels: Float[np.ndarray, "F 33 2"]
    visibility: Float[np.ndarray, "F 33"]
    image_size: tuple[int, int]


def read_mediapipe(path: Path | str, camera: str) -> MediaPipeEstimates:
    """The estimates for one camera of a recording.

    Args:
        path: npz with arrays `cameras` (C), `image_size_px` (C, 2), `world_m` (C, F, 33, 3),
            `image_px` (C, F, 33, 2) and `visibility` (C, F, 33).

    Raises:
        InputError: a file, array or camera is missing, a shape is not that of MediaPipe's
            joints, or a value is not finite.
    """
    data = read_npz(path)
    index = camera_index(data, path, camera)
    n = len(MEDIAPIPE_33)
    arrays: list[np.ndarray] = []
    for name, tail in (("world_m", (n, 3)), ("image_px", (n, 2)), ("visibility", (n,))):
        array = field(data, path, name)
        check(
            array.shape[2:] == tail and len(array) == len(data["cameras"]),
            f"{path}: {name}",
            f"expected (cameras, frames, {', '.join(map(str, tail))}) for the {n} joints of "
            f"MediaPipe, found {array.shape}",
        )
        array = array[index]
        bad = np.argwhere(~np.isfinite(array))
        check(
            not len(bad),
            f"{path}: {name} of {camera}",
            f"{len(bad)} values are not finite, the first in frame {bad[0][0] if len(bad) else 0}",
            "estimate the pose of this video again",
        )
        arrays.append(array)
    check(
        len({len(array) for array in arrays}) == 1,
        path,
        f"world_m, image_px and visibility have {[len(a) for a in arrays]} frames",
    )
    world, pixels, visibility = arrays
    sizes = field(data, path, "image_size_px")
    check(
        sizes.shape == (len(data["cameras"]), 2),
        f"{path}: image_size_px",
        f"expected (cameras, 2), found {sizes.shape}",
    )
    width, height = sizes[index]
    return MediaPipeEstimates(world, pixels, visibility, (int(width), int(height)))


def check_video(
    estimates: MediaPipeEstimates, path: Path | str, video: VideoInfo, index: Sequence[int]
) -> None:
    """Refuse estimates that are not of a video: of another size, or of too few frames."""
    check(
        estimates.image_size == video.size,
        f"{path}: image_size_px",
        f"estimates of {_by(estimates.image_size)} px, the video is {_by(video.size)} px",
        "are they of another video?",
    )
    check(
        len(estimates.world) > max(index),
        f"{path}: world_m",
        f"estimates of {len(estimates.world)} frames, frame {max(index)} of the video is used",
        "are they of another video, or of a part of it?",
    )


def keypoints(estimates: MediaPipeEstimates, header: FramesHeader) -> Keypoints:
    """The 2D landmarks as METRO_14 keypoints of the frames that are used."""
    pixels = convert(estimates.pixels[header.index], MEDIAPIPE_33, METRO_14)
    confidence = convert_confidence(estimates.visibility[header.index], MEDIAPIPE_33, METRO_14)
    return Keypoints(header.view.to_frame(pixels), confidence)


def pose(
    estimates: MediaPipeEstimates, header: FramesHeader, detected: Keypoints, path: Path | str
) -> Pose:
    """The 3D landmarks as a METRO_14 pose of the frames that are used.

    MediaPipe gives no camera: each frame's is fitted to its keypoints, weighted by confidence.

    Raises:
        InputError: no camera fits a frame.
    """
    joints = convert(estimates.world[header.index], MEDIAPIPE_33, METRO_14)
    crop = Crop.whole_image(len(header.index), *header.view.size)
    camera = fit_weak_perspective(joints, detected.joints_2d, detected.confidence, crop)
    unfit = np.flatnonzero(~(camera[:, 0] > 0))
    check(
        not len(unfit),
        f"{path}: world_m and image_px",
        f"no camera brings them together in frame {header.index[unfit[0]] if len(unfit) else 0}",
        "are they of the same person?",
    )
    return Pose(joints, camera, crop)


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
