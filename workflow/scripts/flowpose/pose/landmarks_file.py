"""The landmarks of one person in all frames of a video, and their file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from flowpose.pose.estimates import Detections, Joints
from flowpose.pose.skeletons import METRO_14, Skeleton, sources
from flowpose.storage import stage_files
from flowpose.storage.provenance import Provenance


@dataclass(frozen=True)
class Landmarks:
    """What an estimator says of one person in all F frames of a video, from its first on.

    Attributes:
        joints_2d: (F, J, 2) video px, pixel centres at whole numbers; NaN where nothing was seen.
        joints_3d: (F, J, 3) m, x right, y down, z forward, from any origin; NaN in frames in which
            nobody was found.
        confidence: (F, J) 0 to 1; 0 where nothing was seen.
        skeleton: the J joints.
        image_size: width and height of the video, px; None: not known.
        estimator: its name, version and licence, if known.
    """

    joints_2d: Float[np.ndarray, "F J 2"]
    joints_3d: Float[np.ndarray, "F J 3"]
    confidence: Float[np.ndarray, "F J"]
    skeleton: Skeleton
    image_size: tuple[int, int] | None
    estimator: str = ""

    def detections(self, source: str) -> Detections:
        """The joints in the picture.

        Args:
            source: the file, and the part of it that they come from, for messages.
        """
        known = np.isfinite(self.joints_2d).all(-1)
        return Detections(
            source=source,
            frames=np.arange(len(self.joints_2d)),
            points=self.joints_2d,
            confidence=np.where(known, np.nan_to_num(self.confidence), 0),
            skeleton=self.skeleton,
            n_frames=len(self.joints_2d),
            image_size=self.image_size,
        )

    def joints(self, source: str) -> Joints:
        """The joints in space, without a camera, of the frames in which the person was found.

        These are the frames in which all joints are known that METRO_14's are made from.
        """
        used = sorted({joint for parts in sources(self.skeleton, METRO_14) for joint in parts})
        known = np.isfinite(self.joints_3d[:, used]).all((1, 2))
        known &= np.isfinite(self.joints_2d[:, used]).any((1, 2))
        return Joints(
            source=source,
            frames=np.flatnonzero(known),
            points=self.joints_3d[known],
            picture=self.joints_2d[known],
            skeleton=self.skeleton,
            n_frames=len(self.joints_3d),
            image_size=self.image_size,
        )


def write_landmarks(path: Path | str, landmarks: Landmarks, provenance: Provenance) -> None:
    """Write landmarks.h5."""
    joints = landmarks.skeleton.joints
    with stage_files.create(path, provenance) as h5:
        for name, axis, unit in (("joints_2d", "xy", "px"), ("joints_3d", "xyz", "m")):
            points = getattr(landmarks, name)
            stage_files.add(h5, name, points, axes=f"frame joint {axis}", unit=unit, joints=joints)
        stage_files.add(h5, "confidence", landmarks.confidence, axes="frame joint", joints=joints)
        stage_files.set_text(h5, "estimator", landmarks.estimator)
        if landmarks.image_size is not None:
            h5.attrs["video_size_px"] = landmarks.image_size


def read_landmarks(path: Path | str) -> Landmarks:
    """Read landmarks.h5.

    Raises:
        InputError: it is missing, damaged or of another form.
    """
    with stage_files.opened(path) as h5:
        joints_2d = stage_files.read(h5, "joints_2d", (None, None, 2))
        size = h5.attrs.get("video_size_px")
        return Landmarks(
            joints_2d,
            stage_files.read(h5, "joints_3d", (*joints_2d.shape[:2], 3)),
            stage_files.read(h5, "confidence", joints_2d.shape[:2]),
            Skeleton.with_middles("landmarks", stage_files.joint_names(h5, "joints_2d")),
            None if size is None else (int(size[0]), int(size[1])),
            stage_files.text(h5, "estimator"),
        )
