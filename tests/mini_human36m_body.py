"""The person of the mini Human3.6M data set, and the cameras that see it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

FPS = 50
# Joints of Human3.6M, by name where the renderer and the files refer to them. Coincident:
# 0 and 11, 13, 16 and 24, 19 and 20, 22 and 23, 27 and 28, 30 and 31 (docs/reference.md, 10).
PELVIS, R_HIP, R_KNEE, R_ANKLE, R_TOE_BASE = 0, 1, 2, 3, 4
L_HIP, L_KNEE, L_ANKLE, L_TOE_BASE = 6, 7, 8, 9
NECK, NOSE, HEAD = 13, 14, 15
L_SHOULDER, L_ELBOW, L_WRIST, L_HAND = 17, 18, 19, 22
R_SHOULDER, R_ELBOW, R_WRIST, R_HAND = 25, 26, 27, 30
_PARENTS = (
    *(-1, 0, 1, 2, 3, 4, 0, 6, 7, 8, 9, 0, 11, 12, 13, 14),
    *(12, 16, 17, 18, 19, 20, 19, 22, 12, 24, 25, 26, 27, 28, 27, 30),
)
# From the parent to each joint, m; a man of 1.7 m.
_LEG = (0.132, 0.443, 0.452, 0.155, 0.075)
_ARM = (0.257, 0.151, 0.279, 0.252, 0.0, 0.1, 0.09, 0.0)
_LENGTHS = np.array([0, *_LEG, *_LEG, 0, 0.233, 0.257, 0.121, 0.115, *_ARM, *_ARM])
_PELVIS_HEIGHT = 0.96
_TURN = 0.12  # of hips and shoulders against each other while walking, rad


@dataclass(frozen=True)
class Motion:
    """How the person moves: all joints follow sinusoids of one cadence.

    Attributes:
        heading: direction the person faces, rad from the world's x axis.
        speed: m/s along the heading.
        cadence: double steps a second, Hz.
        stride: amplitude of the thighs, rad.
        sway: amplitude of the arms, rad.
        arms: upper arm and forearm, left then right: mean angle forward from hanging down, rad.
        start: world x, y of the pelvis in the first frame, m.
    """

    heading: float
    speed: float = 0.0
    cadence: float = 0.8
    stride: float = 0.05
    sway: float = 0.15
    arms: tuple[float, float, float, float] = (0.0, 0.3, 0.0, 0.3)
    start: tuple[float, float] = (0.0, 0.0)

    def joints_world(self, n_frames: int) -> Float[np.ndarray, "F 32 3"]:
        """The 32 joints in m, world frame, z up."""
        time = np.arange(n_frames) / FPS
        offsets = self._directions(2 * np.pi * self.cadence * time) * _LENGTHS[:, None]
        joints = np.zeros_like(offsets)
        for joint, parent in enumerate(_PARENTS[1:], start=1):
            joints[:, joint] = joints[:, parent] + offsets[:, joint]
        cos, sin = np.cos(self.heading), np.sin(self.heading)
        joints = joints @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
        bounce = 0.015 * np.cos(4 * np.pi * self.cadence * time)
        way = self.speed * time
        x, y = self.start[0] + way * cos, self.start[1] + way * sin
        return joints + np.stack([x, y, _PELVIS_HEIGHT + bounce], axis=-1)[:, None]

    def _directions(self, phase: Float[np.ndarray, "F"]) -> Float[np.ndarray, "F 32 3"]:
        """Of each bone, from the parent to the joint: x forward, y left, z up."""
        out = np.zeros((len(phase), len(_PARENTS), 3))
        out[:, 11:16] = _bone(np.pi - 0.06 - 0.02 * np.sin(phase), 0.02 * np.cos(phase))[:, None]
        out[:, 14] = _bone(np.full_like(phase, np.pi - 0.5), 0.0)
        out[:, (16, 24)] = out[:, 13:14]
        left_arm, right_arm = self.arms[:2], self.arms[2:]
        for side, leg, arm, angles in ((1, 6, 17, left_arm), (-1, 1, 25, right_arm)):
            swing = side * np.sin(phase)
            turn = side * _TURN * np.sin(phase) * (self.stride > 0.1)
            out[:, leg] = _bone(np.pi / 2 - turn, side * np.pi / 2 - side * abs(turn))
            thigh = self.stride * swing + 0.3 * self.stride
            bend = self.stride * (1 - side * np.cos(phase))
            out[:, leg + 1] = _bone(thigh, 0.03 * side)
            out[:, leg + 2] = _bone(thigh - bend, 0.03 * side)
            out[:, leg + 3] = _bone(1.1 + thigh - bend, 0.1 * side)
            out[:, leg + 4] = _bone(1.4 + thigh - bend, 0.1 * side)
            out[:, arm] = _bone(np.full_like(phase, np.pi / 2), side * (np.pi / 2 - 0.1))
            upper = angles[0] - self.sway * swing
            fore = angles[1] - 1.4 * self.sway * swing
            out[:, arm + 1] = _bone(upper, 0.2 * side)
            out[:, arm + 2 : arm + 7] = _bone(fore, (0.2 - 0.2 * angles[1]) * side)[:, None]
            out[:, arm + 4] = _bone(fore + 0.5, -0.6 * side)
        return out


def _bone(
    forward: Float[np.ndarray, "F"], outward: Float[np.ndarray, "F"] | float
) -> Float[np.ndarray, "F 3"]:
    """Unit vectors turned forward from hanging down, then to the left, rad."""
    down = np.cos(outward) * np.cos(forward)
    return np.stack([np.cos(outward) * np.sin(forward), np.sin(outward) + 0 * down, -down], -1)


@dataclass(frozen=True)
class Camera:
    """Camera 60457274 of Human3.6M as it stood for one subject (docs/reference.md, 11).

    Attributes:
        orientation: unit quaternion w, x, y, z from camera to world.
        position: m, world frame.
    """

    orientation: tuple[float, float, float, float]
    position: tuple[float, float, float]

    size = (1000, 1002)
    focal_px = np.array([1145.51138878, 1144.77396011])
    centre_px = np.array([514.96821642, 501.88201667])
    radial = (-0.198384091258049, 0.21832367777824402, -0.008947807364165783)
    tangential = np.array([-0.0005872055771760643, -0.0018133620033040643])

    def to_camera(self, world: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """World to camera frame, m."""
        w, x, y, z = self.orientation
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        to_world = np.eye(3) + 2 * w * cross + 2 * cross @ cross
        return (world - np.array(self.position)) @ to_world

    def to_pixels(self, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 2"]:
        """Camera frame to image px, with the lens's distortion."""
        xy = points[..., :2] / points[..., 2:]
        r2 = (xy**2).sum(-1, keepdims=True)
        k1, k2, k3 = self.radial
        stretch = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3 + xy @ self.tangential[:, None]
        return (xy * stretch + self.tangential * r2) * self.focal_px + self.centre_px


CAMERAS = {
    "S9": Camera(
        (0.5879399180412292, -0.7823407053947449, 0.1427614390850067, -0.14794869720935822),
        (-1.6960434913635254, -3.8270998001098633, 1.5914126634597778),
    ),
    "S11": Camera(
        (0.5894251465797424, -0.7818877100944519, 0.13991211354732513, -0.14715361595153809),
        (-1.59073805809021, -3.8541688919067383, 1.5780175924301147),
    ),
}
