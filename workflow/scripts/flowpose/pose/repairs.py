"""What was repaired in a pose and its detections."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from flowpose.pose.skeletons import METRO_14

PARTS = ("legs", "arms")


@dataclass(frozen=True)
class Repairs:
    """What was found wrong.

    Attributes:
        detections_exchanged: frames whose detections had left and right exchanged, of the legs and
            of the arms.
        pose_exchanged: the same of the 3D pose.
        masked: detections that jumped to another place, as numbered after the exchange.
    """

    detections_exchanged: Bool[np.ndarray, "T 2"]
    pose_exchanged: Bool[np.ndarray, "T 2"]
    masked: Bool[np.ndarray, "T 14"]

    @property
    def repaired(self) -> Bool[np.ndarray, "T"]:
        """Frames in which sides were exchanged, of the detections or of the pose."""
        return (self.detections_exchanged | self.pose_exchanged).any(1)

    def summary(self) -> list[str]:
        """A line for each kind of fault: which frames have it."""
        lines = []
        for what, exchanged in (
            ("detections", self.detections_exchanged),
            ("pose", self.pose_exchanged),
        ):
            for part, column in zip(PARTS, exchanged.T, strict=True):
                if column.any():
                    frames = np.flatnonzero(column).tolist()
                    lines.append(f"{what}: left and right {part} exchanged in frames {frames}")
        for joint, column in zip(METRO_14.joints, self.masked.T, strict=True):
            if column.any():
                frames = np.flatnonzero(column).tolist()
                lines.append(f"detections: {joint} jumps in frames {frames}, left out there")
        return lines
