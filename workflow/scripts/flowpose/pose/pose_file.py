"""A pose estimate of a sequence, and its file."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from flowpose.pose.repairs import Repairs
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.weak_perspective import Crop, WeakPerspective
from flowpose.storage import stage_files
from flowpose.storage.provenance import Provenance
from flowpose.video.frames_file import FramesHeader, add_header


@dataclass(frozen=True)
class Pose:
    """A pose estimate of a sequence.

    Attributes:
        joints_3d: (T, 14, 3) METRO_14 joints, m, camera frame.
        camera: (T, 3) weak-perspective s, tx, ty.
        crop: the crop of each frame that the camera refers to.
        missing: frames that the estimator lacks, in which the pose is interpolated. They count in
            no error.
        seen_2d: where the joints were seen, image px (`with_detections`); None: that is not known.
    """

    joints_3d: Float[np.ndarray, "T 14 3"]
    camera: Float[np.ndarray, "T 3"]
    crop: Crop
    missing: tuple[int, ...] = ()
    seen_2d: Float[np.ndarray, "T 14 2"] | None = None

    def project(self) -> Float[np.ndarray, "T 14 2"]:
        """The joints in image px."""
        joints, camera = self.joints_3d.astype(np.float32), self.camera.astype(np.float32)
        return WeakPerspective(self.crop)(joints, camera)

    def with_detections(
        self, detections: Float[np.ndarray, "T 14 2"], weights: Float[np.ndarray, "T 14"]
    ) -> "Pose":
        """The same pose, whose joints were seen where they were detected.

        A joint of a weight between 0 and 1 was seen so far from its projection to its detection.
        """
        projected = self.project()
        found = (weights > 0)[..., None]
        away = np.where(found, weights[..., None] * (detections - projected), 0)
        return replace(self, seen_2d=projected + away)

    @property
    def estimated(self) -> Bool[np.ndarray, "T"]:
        """Which frames the estimator has."""
        return ~np.isin(np.arange(len(self.camera)), self.missing)

    @property
    def px_per_m(self) -> Float[np.ndarray, "T"]:
        """How many image px a metre across the view has in each frame."""
        return self.camera[:, 0] * WeakPerspective(self.crop).px_per_unit[:, 0, 0]


def write_pose(
    path: Path | str,
    pose: Pose,
    provenance: Provenance,
    loss: Float[np.ndarray, "steps"] | None = None,
    repairs: Repairs | None = None,
    header: FramesHeader | None = None,
) -> None:
    """Write pose_k.h5.

    Args:
        loss: the refinement's energy at each step.
        repairs: what was repaired before it.
        header: of which frames of the video the pose is, for those who read it without frames.h5.
    """
    joints = METRO_14.joints
    with stage_files.create(path, provenance) as h5:
        stage_files.add(
            h5, "joints_3d", pose.joints_3d, axes="frame joint xyz", unit="m", joints=joints
        )
        stage_files.add(
            h5, "joints_2d", pose.project(), axes="frame joint xy", unit="px", joints=joints
        )
        if pose.seen_2d is not None:
            stage_files.add(
                h5, "seen_2d", pose.seen_2d, axes="frame joint xy", unit="px", joints=joints
            )
        stage_files.add(h5, "camera", pose.camera, axes="frame s_tx_ty", unit="1, m, m")
        stage_files.add(h5, "crop", pose.crop.as_array(), axes="frame scale_x_y", unit="1, px, px")
        h5["crop"].attrs["size_px"] = pose.crop.size
        stage_files.add(h5, "estimated", pose.estimated, axes="frame")
        if header is not None:
            add_header(h5, header)
        if loss is not None:
            stage_files.add(h5, "loss", loss, axes="step")
        if repairs is not None:
            stage_files.add(h5, "repaired", repairs.repaired, axes="frame")
            for name in ("detections_exchanged", "pose_exchanged"):
                stage_files.add(h5, name, getattr(repairs, name), axes="frame legs_arms")
            stage_files.add(h5, "masked", repairs.masked, axes="frame joint", joints=joints)


def read_pose(path: Path | str) -> Pose:
    """Read pose_k.h5."""
    with stage_files.opened(path) as h5:
        crop = Crop.from_array(
            stage_files.read(h5, "crop", (None, 3)), int(h5["crop"].attrs["size_px"])
        )
        n = len(crop.scale)
        return Pose(
            stage_files.read(h5, "joints_3d", (n, 14, 3)),
            stage_files.read(h5, "camera", (n, 3)),
            crop,
            tuple(np.flatnonzero(~stage_files.read(h5, "estimated", (n,))).tolist()),
            stage_files.read(h5, "seen_2d", (n, 14, 2)) if "seen_2d" in h5 else None,
        )


def read_repairs(path: Path | str) -> Repairs | None:
    """What was repaired before a pose was refined, as pose_k.h5 says; None: it does not."""
    with stage_files.opened(path) as h5:
        if "repaired" not in h5:
            return None
        names = ("detections_exchanged", "pose_exchanged", "masked")
        return Repairs(*(stage_files.read(h5, name) for name in names))
