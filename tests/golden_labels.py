"""The labels that VideoPose3D's script makes of Human3.6M."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from golden_compare import LABEL_M, LABEL_PX, Row, absolute

from flowpose.datasets.human36m.actions import CAMERAS
from flowpose.datasets.human36m.cameras import camera_of
from flowpose.datasets.human36m.h36m_skeletons import H36M_17, H36M_32


def check_labels(path: Path) -> Iterator[Row]:
    """Every camera, and the joints it sees."""
    case = np.load(path, allow_pickle=False)
    for key in (key for key in case if key.startswith("cam/") and key.endswith("/res")):
        _, subject, index, _ = key.split("/")
        yield from _compare_camera(case, subject, int(index))
    for key in (key for key in case if key.startswith(("cam3d_32/", "pos2d_32/", "pos2d/"))):
        kind, subject, action, index = key.split("/")
        camera = camera_of(subject, CAMERAS[int(index)])
        skeleton = H36M_32 if kind.endswith("_32") else H36M_17
        kept = [H36M_32.index[joint] for joint in skeleton.joints]
        seen = camera.from_world(case[f"pos3d/{subject}/{action}"][:, kept])
        if kind == "cam3d_32":
            yield absolute(f"{key} (m)", seen, case[key], LABEL_M)
        else:
            yield absolute(f"{key} (px)", camera.project(seen), case[key], LABEL_PX)


def _compare_camera(case, subject: str, index: int) -> Iterator[Row]:
    name = f"cam/{subject}/{index}/"
    camera = camera_of(subject, CAMERAS[index])
    intrinsic = np.concatenate([camera.focal, camera.centre, camera.radial, camera.tangential])
    yield absolute(f"{name}res", camera.size, case[f"{name}res"], 0)
    yield absolute(f"{name}orientation", camera.orientation, case[f"{name}orientation"], 0)
    yield absolute(f"{name}translation", camera.position, case[f"{name}translation"], 0)
    yield absolute(f"{name}intrinsic", intrinsic, case[f"{name}intrinsic"], 0)
