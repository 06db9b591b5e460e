"""The label files of Human3.6M that VideoPose3D's script makes, and reading them.

`data_3d_h36m.npz` holds `positions_3d`: by subject, by action, joints (F, 32, 3), m, in the world;
or, as the authors of the reference had it, by `"<action>.<camera>"` in that camera's frame.
`data_2d_h36m_gt.npz` holds `positions_2d`: by subject, by action, a list of joints (F, 17, 2), px,
an array a camera. See docs/reference.md, 11 and B16.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from flowpose.datasets.human36m.actions import CAMERAS, UNLABELLED, canonical_action
from flowpose.datasets.human36m.cameras import camera_of
from flowpose.datasets.human36m.coordinates import CoordinateFrame, coordinate_frame
from flowpose.datasets.human36m.h36m_skeletons import H36M_17, H36M_32, SKELETONS
from flowpose.errors import InputError, check
from flowpose.pose.skeletons import Skeleton
from flowpose.storage.safe_pickle import read_pickled
from flowpose.storage.whole_files import replacing

# By subject, by action: joints in the world, m.
Positions = Mapping[str, Mapping[str, Float32[np.ndarray, "F 32 3"]]]


def write_labels_3d(path: Path | str, positions: Positions) -> None:
    """Write `data_3d_h36m.npz`."""
    plain = {subject: dict(actions) for subject, actions in positions.items()}
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, positions_3d=np.array(plain, object))


def write_labels_2d(path: Path | str, positions: Positions, skeleton: Skeleton = H36M_17) -> None:
    """Write `data_2d_h36m_gt.npz`: the joints as the four cameras see them.

    Args:
        skeleton: the joints to project, H36M_17 or H36M_32.
    """
    kept = [H36M_32.index[joint] for joint in skeleton.joints]
    projected = {
        subject: {action: _views(joints[:, kept], subject) for action, joints in actions.items()}
        for subject, actions in positions.items()
    }
    sides = (
        [i for i, name in enumerate(skeleton.joints) if name.startswith(s)] for s in ("l_", "r_")
    )
    metadata = {"num_joints": len(skeleton), "keypoints_symmetry": list(sides)}
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            positions_2d=np.array(projected, object),
            metadata=np.array(metadata, object),
        )


def labelled(positions: Positions) -> Positions:
    """Without the actions that VideoPose3D leaves out (docs/reference.md, B17)."""
    return {
        subject: {a: joints for a, joints in actions.items() if (subject, a) not in UNLABELLED}
        for subject, actions in positions.items()
    }


def read_labels_3d(
    path: Path | str, subject: str, action: str, camera: str
) -> tuple[Float[np.ndarray, "F 32 3"], CoordinateFrame]:
    """An action's joints, m, and whether they are in the world or in the camera's frame.

    Raises:
        InputError: the file is none of labels, has none of the action or the camera, or its joints
            are not where its keys say.
    """
    actions = _of_subject(path, "positions_3d", subject)
    keyed: CoordinateFrame = "camera" if any("." in key for key in actions) else "world"
    key = f"{action}.{camera}" if keyed == "camera" else action
    where = f"{path}: {subject} {key}"
    joints = _array(_of_action(actions, key, path, subject), (len(H36M_32), 3), where)
    found = coordinate_frame(joints, where)
    check(
        found == keyed,
        where,
        f"labels of {'one camera' if keyed == 'camera' else 'all cameras'} by their name, but the "
        f"pelvis is where it would be in {'the world' if found == 'world' else 'a camera'}'s frame",
        "make the file again",
    )
    return joints, keyed


def read_labels_2d(
    path: Path | str, subject: str, action: str
) -> dict[str, Float[np.ndarray, "F K 2"]]:
    """An action's joints, px, by camera.

    Raises:
        InputError: the file is none of labels, has none of the action, lacks a camera, or has other
            joints than Human3.6M's 32 or the 17 of VideoPose3D.
    """
    actions = _of_subject(path, "positions_2d", subject)
    found = _of_action(actions, action, path, subject)
    where = f"{path}: {subject} {action}"
    several = isinstance(found, list | tuple) or (isinstance(found, np.ndarray) and found.ndim > 0)
    views: list = list(found) if several else []  # type: ignore[call-overload]
    check(
        len(views) == len(CAMERAS),
        where,
        f"expected labels of {len(CAMERAS)} cameras, {', '.join(CAMERAS)}, found {len(views)}",
    )
    n = views[0].shape[1] if isinstance(views[0], np.ndarray) and views[0].ndim == 3 else 0
    check(n in SKELETONS, where, f"expected 17 or 32 joints, found {n}")
    return {
        camera: _array(view, (n, 2), f"{where}, camera {camera}")
        for camera, view in zip(CAMERAS, views, strict=True)
    }


def _views(
    joints: Float32[np.ndarray, "F K 3"], subject: str
) -> list[Float32[np.ndarray, "F K 2"]]:
    """World joints as the four cameras of a subject see them, px."""
    cameras = [camera_of(subject, name) for name in CAMERAS]
    return [camera.project(camera.from_world(joints)) for camera in cameras]


def _of_subject(path: Path | str, name: str, subject: str) -> dict[str, object]:
    """What a label file has of a subject, by action under its canonical name."""
    subjects = read_pickled(path, name)
    if not isinstance(subjects, dict):
        raise InputError(f"{path}: {name}: expected labels by subject and action")
    actions = subjects.get(subject)
    if not isinstance(actions, dict):
        raise InputError(
            f"{path}: {name}: expected labels of subject {subject}, found those of "
            f"{', '.join(map(str, subjects))}"
        )
    return {canonical_action(str(key)): value for key, value in actions.items()}


def _of_action(actions: dict[str, object], key: str, path: Path | str, subject: str) -> object:
    if key not in actions:
        reason = UNLABELLED.get((subject, key.partition(".")[0]))
        raise InputError(
            f"{path}: no labels of {subject} {key}"
            + (f": {reason} (leave the sequence out)" if reason else "")
            + f"; found those of {', '.join(sorted(actions))}"
        )
    return actions[key]


def _array(value: object, tail: tuple[int, int], where: str) -> Float[np.ndarray, "F K d"]:
    found = f"{value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else value
    if not isinstance(value, np.ndarray) or value.ndim != 3 or value.dtype.kind != "f":
        raise InputError(
            f"{where}: expected an array of (frames, joints, {tail[1]}), found {found}"
        )
    check(
        value.shape[1:] == tail and bool(np.isfinite(value).any()),
        where,
        f"expected known joints of shape (frames, {tail[0]}, {tail[1]}), found {found}",
    )
    return value
