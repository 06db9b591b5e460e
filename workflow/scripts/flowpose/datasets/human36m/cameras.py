"""The four cameras of Human3.6M, as its calibration says, and their projection.

The projection is that of VideoPose3D's labels (docs/reference.md, 11): in float32, in the
same order, so that its numbers come out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Num

from flowpose.datasets.human36m.actions import CAMERAS
from flowpose.errors import InputError

_MM_PER_M = 1000
# The ratio of a point's coordinates to its depth is clipped, as the distortion holds only near 0.
_WIDEST = 1.0

# By id, in the order of CAMERAS: width and height of the video, px; focal lengths and
# principal point, px; radial distortion k1 k2 k3; tangential distortion p1 p2.
_INTRINSICS = {
    "54138969": (
        (1000, 1002),
        (1145.0494, 1143.7811),
        (512.5415, 515.4515),
        (-0.20709892, 0.24777518, -0.0030751503),
        (-0.0009756989, -0.0014244716),
    ),
    "55011271": (
        (1000, 1000),
        (1149.6757, 1147.5917),
        (508.84863, 508.0649),
        (-0.19421363, 0.24040854, 0.0068199756),
        (-0.0016190266, -0.0027408944),
    ),
    "58860488": (
        (1000, 1000),
        (1149.1407, 1148.799),
        (519.81586, 501.40265),
        (-0.20833819, 0.255488, -0.0024604974),
        (0.001484387, -0.0007599993),
    ),
    "60457274": (
        (1000, 1002),
        (1145.5114, 1144.7739),
        (514.9682, 501.88202),
        (-0.19838409, 0.21832368, -0.008947807),
        (-0.0005872056, -0.001813362),
    ),
}

# By subject, for the cameras in this order: orientation in the world as a unit quaternion w x y z,
# position in the world, mm. The world's z points up from the floor.
_EXTRINSICS = {
    "S1": (
        (0.14070565, -0.15007018, -0.7552408, 0.62232804, 1841.107, 4955.2847, 1563.4454),
        (0.6157188, -0.7648363, -0.14833826, 0.11794741, 1761.2786, -5078.007, 1606.265),
        (0.14651473, -0.14647852, 0.76530236, -0.60941756, -1846.7777, 5215.0464, 1491.9724),
        (0.58340085, -0.7853162, 0.14548823, -0.14749594, -1794.7897, -3722.699, 1574.8927),
    ),
    "S5": (
        (0.14673772, -0.16237096, -0.7551893, 0.6178939, 2097.3916, 4880.945, 1605.7324),
        (0.61597586, -0.7626792, -0.15728192, 0.1189815, 2031.7008, -5167.933, 1612.9231),
        (0.14291371, -0.12907842, 0.7678385, -0.6110143, -1620.5948, 5171.6587, 1496.437),
        (0.592048, -0.7814218, 0.12747486, -0.15036418, -1637.1737, -3867.3174, 1547.0332),
    ),
    "S6": (
        (0.13378978, -0.15692396, -0.75710905, 0.61988795, 1935.4518, 4950.2456, 1618.0839),
        (0.61471975, -0.7628813, -0.16174768, 0.11819245, 1969.804, -5128.739, 1632.7788),
        (0.15299481, -0.13529131, 0.76460963, -0.6112781, -1769.5964, 5185.3613, 1476.9934),
        (0.59161013, -0.7804774, 0.1283227, -0.15615939, -1721.6687, -3884.1313, 1540.4879),
    ),
    "S7": (
        (0.14352418, -0.16313368, -0.75483286, 0.6188825, 1974.513, 4926.3545, 1597.8326),
        (0.6141673, -0.76382625, -0.15966456, 0.117792994, 1937.0585, -5119.79, 1631.5665),
        (0.1455006, -0.12874816, 0.76605165, -0.61271393, -1741.8112, 5208.2495, 1464.8246),
        (0.5912848, -0.78217643, 0.12445474, -0.15196487, -1734.7106, -3832.4214, 1548.583),
    ),
    "S8": (
        (0.14110588, -0.15589868, -0.75619173, 0.61964405, 2150.6519, 4896.161, 1611.9047),
        (0.61696017, -0.7647668, -0.1484635, 0.11158158, 2219.9656, -5148.453, 1613.0441),
        (0.1471444, -0.1337712, 0.76701283, -0.61003697, -1571.2216, 5137.0186, 1498.1761),
        (0.59278244, -0.78258705, 0.12147816, -0.14631996, -1476.9133, -3896.7412, 1547.9722),
    ),
    "S9": (
        (0.15540588, -0.15548216, -0.75320953, 0.6199595, 2044.4585, 4935.117, 1481.2275),
        (0.6187845, -0.7634735, -0.14132239, 0.11933968, 1990.9597, -5123.8105, 1568.8048),
        (0.13357827, -0.13671005, 0.76894546, -0.61007386, -1670.9922, 5211.986, 1528.388),
        (0.5879399, -0.7823407, 0.14276144, -0.1479487, -1696.0435, -3827.0999, 1591.4127),
    ),
    "S11": (
        (0.15232472, -0.1544232, -0.75475633, 0.619107, 2098.4402, 4926.5547, 1500.2786),
        (0.61894494, -0.7600917, -0.15300633, 0.12552583, 2083.1824, -4912.173, 1561.0786),
        (0.14943229, -0.15650228, 0.7681234, -0.60263044, -1609.8153, 5177.336, 1537.8967),
        (0.58942515, -0.7818877, 0.13991211, -0.14715362, -1590.738, -3854.169, 1578.0176),
    ),
}
SUBJECTS = tuple(_EXTRINSICS)


@dataclass(frozen=True)
class Camera:
    """A calibrated camera; world and camera frames in m, the camera's x right, y down, z forward.

    Attributes:
        name: its id.
        size: width and height of its videos, px.
        orientation: (4,) unit quaternion w x y z that turns the camera's frame to the world's.
        position: (3,) in the world, m.
        focal, centre: (2,) in units of half the video's width, the centre from its middle.
        radial, tangential: (3,) and (2,) distortion.
    """

    name: str
    size: tuple[int, int]
    orientation: Float32[np.ndarray, "4"]
    position: Float32[np.ndarray, "3"]
    focal: Float32[np.ndarray, "2"]
    centre: Float32[np.ndarray, "2"]
    radial: Float32[np.ndarray, "3"]
    tangential: Float32[np.ndarray, "2"]

    def from_world(self, points: Float[np.ndarray, "*n 3"]) -> Float32[np.ndarray, "*n 3"]:
        """World points in the camera's frame, m."""
        return _rotate(self.orientation * _CONJUGATE, _single(points) - self.position)

    def to_world(self, points: Float[np.ndarray, "*n 3"]) -> Float32[np.ndarray, "*n 3"]:
        """Points of the camera's frame in the world, m."""
        return _rotate(self.orientation, _single(points)) + self.position

    def project(self, points: Float[np.ndarray, "*n 3"]) -> Float32[np.ndarray, "*n 2"]:
        """Points of the camera's frame as px of its video.

        With x the ratios to the depth and r = |x|, the lens puts a point at
        x (1 + k1 r^2 + k2 r^4 + k3 r^6 + p.x) + p r^2. This is not OpenCV's formula.
        """
        points = _single(points)
        x = np.clip(points[..., :2] / points[..., 2:], -_WIDEST, _WIDEST)
        r2 = (x**2).sum(-1, keepdims=True)
        radial = 1 + (self.radial * np.concatenate([r2, r2**2, r2**3], -1)).sum(-1, keepdims=True)
        tangential = (self.tangential * x).sum(-1, keepdims=True)
        distorted = x * (radial + tangential) + self.tangential * r2
        pixels = (self.focal * distorted + self.centre + self._middle) * self.size[0] / 2
        return pixels.astype(np.float32)

    @property
    def _middle(self) -> Float[np.ndarray, "2"]:
        """The video's middle in units of half its width."""
        return np.array([1, self.size[1] / self.size[0]])


# Turns a unit quaternion into its inverse.
_CONJUGATE = np.array([1, -1, -1, -1], np.float32)


def camera_of(subject: str, name: str) -> Camera:
    """A camera as it stood for a subject.

    Raises:
        InputError: there is no such subject or camera, or its calibration is not published.
    """
    if name not in CAMERAS:
        raise InputError(f"camera {name}: expected one of Human3.6M's, {', '.join(CAMERAS)}")
    if subject not in SUBJECTS:
        raise InputError(f"subject {subject}: expected one of {', '.join(SUBJECTS)}")
    size, focal, centre, radial, tangential = _INTRINSICS[name]
    extrinsics = _single(_EXTRINSICS[subject][CAMERAS.index(name)])
    width, height = size
    return Camera(
        name,
        size,
        orientation=extrinsics[:4],
        position=extrinsics[4:] / _MM_PER_M,
        focal=_single(focal) / width * 2,
        centre=(_single(centre) / width * 2 - np.array([1, height / width])).astype(np.float32),
        radial=_single(radial),
        tangential=_single(tangential),
    )


def _single(values: Sequence[float] | Num[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    return np.asarray(values, np.float32)


def _rotate(
    quaternion: Float32[np.ndarray, "4"], points: Float32[np.ndarray, "*n 3"]
) -> Float32[np.ndarray, "*n 3"]:
    """Points turned by a unit quaternion."""
    # PyTorch's cross product, as NumPy's differs from it in the last digit.
    axis = torch.as_tensor(quaternion[1:]).expand(points.shape)
    once = torch.linalg.cross(axis, torch.as_tensor(points))
    return points + 2 * (quaternion[0] * once + torch.linalg.cross(axis, once)).numpy()
