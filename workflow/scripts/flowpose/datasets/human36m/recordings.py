"""The labels of one recording of Human3.6M by one camera, from the two files of labels."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from flowpose.datasets.human36m.actions import CAMERAS, SHIFTED
from flowpose.datasets.human36m.cameras import Camera, camera_of
from flowpose.datasets.human36m.coordinates import CoordinateFrame
from flowpose.datasets.human36m.h36m_skeletons import H36M_32
from flowpose.datasets.human36m.label_files import SKELETONS, read_labels_2d, read_labels_3d
from flowpose.errors import check
from flowpose.pose.labels import Labels
from flowpose.pose.skeletons import Skeleton

# Videos have been found to run on for some frames after the labels; more than these (0.2 s) are
# labels of another video.
MISSING_AT_END = 10
# 2D labels lie on the projected 3D labels to 0.001 px where VideoPose3D's script made both; another
# camera's are hundreds of px away.
_SAME_CAMERA_PX = 3.0
# So many frames of a recording tell its camera.
_FRAMES_COMPARED = 100


def read_labels(
    file: Path | str, file_2d: Path | str, *, subject: str, action: str, camera: str
) -> Labels:
    """The labels of a recording, brought into the camera's frame if they are in the world.

    Args:
        file: data_3d_h36m.npz, of the world or the cameras (see `label_files`).
        file_2d: data_2d_h36m_gt.npz.
        action: its canonical name.
        camera: its id.

    Raises:
        InputError: a file is damaged or none of labels; it lacks the subject, action or camera; the
            two disagree in their length; or the 2D labels are another camera's.
    """
    calibrated = camera_of(subject, camera)
    joints_3d, frame = read_labels_3d(file, subject, action, camera)
    views = read_labels_2d(file_2d, subject, action)
    source = f"{file} and {file_2d}: {subject} {action}"
    check(
        len(joints_3d) == len(views[camera]),
        source,
        f"3D labels of {len(joints_3d)} frames, 2D labels of {len(views[camera])}",
        "make both files from the same data",
    )
    skeleton = SKELETONS[views[camera].shape[1]]
    world = joints_3d if frame == "world" else calibrated.to_world(joints_3d)
    fitting = _fitting_camera(world, views[camera], skeleton, subject, camera)
    _check_camera(fitting, camera, f"{file_2d}: {subject} {action}", required=frame == "world")
    return Labels(
        source,
        joints_3d if frame == "camera" else calibrated.from_world(joints_3d),
        H36M_32,
        views[camera],
        skeleton,
        video_size=fitting.size if fitting else None,
        may_lack=MISSING_AT_END,
        remarks=_remarks(frame, fitting, subject, action),
    )


def _fitting_camera(
    world: Float[np.ndarray, "F 32 3"],
    pixels: Float[np.ndarray, "F K 2"],
    skeleton: Skeleton,
    subject: str,
    expected: str,
) -> Camera | None:
    """The camera that sees world joints at these px, the expected one if it does."""
    some = slice(None, None, max(1, len(world) // _FRAMES_COMPARED))
    joints = world[some][:, [H36M_32.index[joint] for joint in skeleton.joints]]
    for name in sorted(CAMERAS, key=lambda name: name != expected):
        camera = camera_of(subject, name)
        projected = camera.project(camera.from_world(joints))
        distances = np.linalg.norm(projected - pixels[some], axis=-1)
        if np.median(distances[np.isfinite(distances)]) < _SAME_CAMERA_PX:
            return camera
    return None


def _check_camera(fitting: Camera | None, camera: str, where: str, *, required: bool) -> None:
    """Refuse 2D labels of another camera, or where one is required, of none."""
    check(
        fitting is None or fitting.name == camera,
        where,
        f"the 2D labels in the place of camera {camera} are those of "
        f"{fitting.name if fitting else None}",
        f"put the cameras in the order {', '.join(CAMERAS)}",
    )
    check(
        fitting is not None or not required,
        where,
        f"the 2D labels are not what camera {camera} or another sees of the 3D labels",
        "are they of another subject, or in px of a video of another size?",
    )


def _remarks(
    frame: CoordinateFrame, fitting: Camera | None, subject: str, action: str
) -> tuple[str, ...]:
    of = "the world" if frame == "world" else "the camera"
    remarks = [f"the 3D labels are in the frame of {of}"]
    if fitting is None:
        remarks.append("the 2D labels are not what any camera of Human3.6M sees of the 3D labels")
    if (subject, action) in SHIFTED:
        remarks.append(SHIFTED[subject, action])
    return tuple(remarks)
