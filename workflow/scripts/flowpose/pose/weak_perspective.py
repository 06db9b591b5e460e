"""The weak-perspective camera of a person crop, as HMR and METRO estimate it.

A crop is a square of `CROP_SIZE` px cut out of the image scaled by `scale`; `start` is where the
crop's middle lies in the scaled image. A camera (s, tx, ty) puts a joint at s (X_xy + t) in the
crop, whose sides are at -1 and 1.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import DTypeLike

CROP_SIZE = 224
_NO_SPREAD = 1e-20


@dataclass(frozen=True)
class Crop:
    """The person crop of each frame.

    Attributes:
        scale: (T,) crop px per image px.
        start: (T, 2) x, y of the crop's middle in the scaled image, px.
        size: side of the crop that `start` refers to, px (METRO: 224).
    """

    scale: Float[np.ndarray, "T"]
    start: Float[np.ndarray, "T 2"]
    size: int = CROP_SIZE

    @classmethod
    def whole_image(cls, n_frames: int, width: int, height: int) -> "Crop":
        """The crop whose longer side is the image's, the same for all frames."""
        scale = CROP_SIZE / max(width, height)
        middle = np.array([width / 2, height / 2]) * scale
        return cls(np.full(n_frames, scale), np.tile(middle, (n_frames, 1)))

    def as_array(self) -> Float[np.ndarray, "T 3"]:
        """Scale, start x and start y a frame, as stored in a pose file."""
        return np.column_stack([self.scale, self.start])

    @classmethod
    def from_array(cls, array: Float[np.ndarray, "T 3"], size: int) -> "Crop":
        """The inverse of `as_array`."""
        return cls(array[:, 0], array[:, 1:], size)


class WeakPerspective:
    """Projects joints to image pixels, frame by frame with its own crop. docs/reference.md, 4.

    pixel = ((s (X_xy + t) + 1) / 2 * 224 + start - size // 2) / scale, in this order.

    Attributes:
        px_per_unit: image px that one unit of s (X_xy + t) makes, a frame.
    """

    px_per_unit: Float[np.ndarray, "T 1 1"]

    def __init__(self, crop: Crop, dtype: DTypeLike = np.float32) -> None:
        self._shift = crop.start.astype(dtype)[:, None]
        self._half = crop.size // 2
        self._inverse_scale = (1 / np.asarray(crop.scale, np.float64)).astype(dtype)[:, None, None]
        self.px_per_unit = 0.5 * CROP_SIZE * self._inverse_scale

    def __call__(
        self, joints: Float[np.ndarray, "T J 3"], camera: Float[np.ndarray, "T 3"]
    ) -> Float[np.ndarray, "T J 2"]:
        """Image pixels of joints in metres, camera frame (x right, y down, z forward)."""
        unit = camera[:, None, :1] * (joints[..., :2] + camera[:, None, 1:])
        crop_px = (unit + 1) * 0.5 * CROP_SIZE
        return (crop_px + self._shift - self._half) * self._inverse_scale


def fit_weak_perspective(
    joints: Float[np.ndarray, "T J 3"],
    pixels: Float[np.ndarray, "T J 2"],
    weights: Float[np.ndarray, "T J"],
    crop: Crop,
) -> Float[np.ndarray, "T 3"]:
    """The camera of each frame that brings joints closest to pixels, by weighted least squares.

    For estimators that give joints and pixels but no camera.

    Returns:
        (s, tx, ty) a frame; NaN where fewer than two joints weigh anything or all lie on a point.
    """
    scale, start = crop.scale[:, None, None], crop.start[:, None]
    unit = (pixels * scale - start + crop.size // 2) / (CROP_SIZE / 2) - 1
    weight = np.where(np.isfinite(unit).all(-1), weights, 0.0)[..., None]
    unit = np.nan_to_num(unit)
    xy = np.asarray(joints[..., :2], np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = weight.sum(1, keepdims=True)
        xy_mean = (weight * xy).sum(1, keepdims=True) / total
        unit_mean = (weight * unit).sum(1, keepdims=True) / total
        covariance = (weight * (xy - xy_mean) * (unit - unit_mean)).sum((1, 2))
        spread = (weight * (xy - xy_mean) ** 2).sum((1, 2))
        # Rounding keeps the spread of a single point from being exactly 0.
        spread[spread <= _NO_SPREAD * (weight * xy**2).sum((1, 2))] = np.nan
        s = covariance / spread
        t = unit_mean[:, 0] / s[:, None] - xy_mean[:, 0]
    camera = np.column_stack([s, t])
    camera[~np.isfinite(camera).all(1)] = np.nan
    return camera
