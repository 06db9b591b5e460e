"""The pose in space, seen from a direction that turns."""

from collections.abc import Mapping

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from flowpose.pictures.skeleton_lines import WHITE, draw_skeletons

# Once around in so many s, seen from a little above.
_PERIOD_S, _RAISED = 8.0, np.deg2rad(15)
# A square to stand on, m, with its middle lines, and a mark beside it where the camera looks from.
SQUARE_M = 1.0
_MARK_M = (0.62, 0.78, 0.1)
_GREY = (190, 190, 190)
# Single joints that are far off leave the others their size.
_PERCENTILE = 99.0
_MARGIN = 0.9
_BITS = 4


class TurningView:
    """Draws poses in space, all on the same scale, as seen while going around them."""

    def __init__(
        self, poses: Mapping[str, Float[np.ndarray, "T 14 3"]], size: tuple[int, int]
    ) -> None:
        """For poses relative to the middle of the hips, m, and pictures of a size, px."""
        joints = np.concatenate([np.empty((0, 3)), *(of.reshape(-1, 3) for of in poses.values())])
        joints = joints[np.isfinite(joints).all(-1)]
        across, top, self._ground = 0.75 * SQUARE_M, -SQUARE_M, SQUARE_M
        if len(joints):
            radii = np.hypot(joints[:, 0], joints[:, 2])
            across = max(across, float(np.percentile(radii, _PERCENTILE)))
            top = float(np.percentile(joints[:, 1], 100 - _PERCENTILE))
            self._ground = float(np.percentile(joints[:, 1], _PERCENTILE))
        # What lies nearer is lower in the picture.
        depth = across * np.sin(_RAISED)
        high, low = top * np.cos(_RAISED) - depth, self._ground * np.cos(_RAISED) + depth
        self._px_per_m = _MARGIN * min(size[0] / (2 * across), size[1] / max(low - high, 1e-6))
        self._middle = np.array([size[0] / 2, size[1] / 2 - self._px_per_m * (high + low) / 2])

    def draw(
        self,
        picture: UInt8[np.ndarray, "H W 3"],
        poses: Mapping[str, Float[np.ndarray, "14 3"]],
        time: float,
        letters: float,
    ) -> None:
        """Draw poses as they are seen at a time, s; at 0 from the camera."""
        picture[...] = WHITE
        angle = 2 * np.pi * time / _PERIOD_S
        self._draw_ground(picture, angle, max(1, round(letters / 12)))
        seen = {who: self._seen(joints, angle) for who, joints in poses.items()}
        draw_skeletons(picture, seen, 0.8 * letters)

    def _seen(self, points: Float[np.ndarray, "n 3"], angle: float) -> Float[np.ndarray, "n 2"]:
        """Where points in space are in the picture, px."""
        x, y, z = points.T
        across = x * np.cos(angle) + z * np.sin(angle)
        away = z * np.cos(angle) - x * np.sin(angle)
        down = y * np.cos(_RAISED) - away * np.sin(_RAISED)
        return self._middle + self._px_per_m * np.stack([across, down], -1)

    def _draw_ground(self, picture: UInt8[np.ndarray, "H W 3"], angle: float, width: int) -> None:
        half = SQUARE_M / 2
        for at in (-half, 0.0, half):
            for ends in (((-half, at), (half, at)), ((at, -half), (at, half))):
                start, end = self._ground_points(ends, angle)
                cv2.line(picture, start, end, _GREY, width, cv2.LINE_AA, _BITS)
        near, far, aside = _MARK_M
        mark = self._ground_points(((0, -near), (-aside, -far), (aside, -far)), angle)
        cv2.fillConvexPoly(picture, mark, _GREY, cv2.LINE_AA, _BITS)

    def _ground_points(self, points: tuple[tuple[float, float], ...], angle: float) -> np.ndarray:
        """Points (x, z) of the ground in the picture, as OpenCV takes them."""
        x, z = np.transpose(points)
        seen = self._seen(np.stack([x, np.full_like(x, self._ground), z], -1), angle)
        return np.round(seen * 2**_BITS).astype(np.int32)
