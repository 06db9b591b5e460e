"""The videos of the mini Human3.6M data set: a textured doll before a textured wall.

Every bone is a flat textured strip from joint to joint and every joint a textured ball, so that
the picture around a joint moves as the joint does.
"""

from collections.abc import Iterable
from pathlib import Path

import cv2
import mini_human36m_body as body
import numpy as np
from jaxtyping import Float, UInt8

Picture = UInt8[np.ndarray, "h w 3"]
_PX_PER_M = 256  # of the textures; about that of a person in the middle of the room
# Strips: from joint, to joint, half width in m, how much further away than its middle it counts
# as when strips overlap, in m (the torso lies behind the limbs' ends).
_STRIPS = (
    (body.PELVIS, body.NECK, 0.14, 0.1),
    (body.NECK, body.HEAD, 0.08, 0.0),
    (body.R_HIP, body.R_KNEE, 0.08, 0.0),
    (body.L_HIP, body.L_KNEE, 0.08, 0.0),
    (body.R_KNEE, body.R_ANKLE, 0.06, 0.0),
    (body.L_KNEE, body.L_ANKLE, 0.06, 0.0),
    (body.R_ANKLE, body.R_TOE_BASE, 0.05, 0.0),
    (body.L_ANKLE, body.L_TOE_BASE, 0.05, 0.0),
    (body.R_SHOULDER, body.R_ELBOW, 0.055, 0.0),
    (body.L_SHOULDER, body.L_ELBOW, 0.055, 0.0),
    (body.R_ELBOW, body.R_WRIST, 0.05, 0.0),
    (body.L_ELBOW, body.L_WRIST, 0.05, 0.0),
    (body.R_WRIST, body.R_HAND, 0.04, 0.0),
    (body.L_WRIST, body.L_HAND, 0.04, 0.0),
)
# Balls: radius in m by joint. They count as nearer than their joint by half the radius.
_BALLS = {
    body.NECK: 0.09,
    body.HEAD: 0.08,
    **dict.fromkeys((body.R_SHOULDER, body.L_SHOULDER, body.R_KNEE, body.L_KNEE), 0.075),
    **dict.fromkeys((body.R_HIP, body.L_HIP), 0.1),
    **dict.fromkeys((body.R_ANKLE, body.L_ANKLE, body.R_ELBOW, body.L_ELBOW), 0.065),
    **dict.fromkeys((body.R_WRIST, body.L_WRIST), 0.06),
    **dict.fromkeys((body.R_TOE_BASE, body.L_TOE_BASE), 0.05),
    **dict.fromkeys((body.R_HAND, body.L_HAND), 0.04),
}


class Doll:
    """The textures of a person's strips and balls, and of the room."""

    def __init__(self, camera: body.Camera, rng: np.random.Generator) -> None:
        self._camera = camera
        rest = body.Motion(heading=0.0).joints_world(1)[0]
        self._strips = [
            _patch(np.linalg.norm(rest[b] - rest[a]) / 2, half_width, 0.0, rng)
            for a, b, half_width, _ in _STRIPS
        ]
        self._balls = [_patch(radius, radius, radius, rng) for radius in _BALLS.values()]
        width, height = camera.size
        self._room = _texture(height, width, rng, np.array([96, 104, 100]), contrast=18)

    def picture(self, joints: Float[np.ndarray, "32 3"]) -> Picture:
        """What the camera sees of joints in the camera frame, m; BGR."""
        pixels = self._camera.to_pixels(joints)
        px_per_m = self._camera.focal_px.mean() / joints[:, 2]
        painted = []
        for patch, (a, b, _, behind) in zip(self._strips, _STRIPS, strict=True):
            bone = pixels[b] - pixels[a]
            normal = np.array([-bone[1], bone[0]]) / max(np.linalg.norm(bone), 1e-6)
            across = normal * px_per_m[[a, b]].mean() / _PX_PER_M
            middle = pixels[[a, b]].mean(0)
            depth = joints[[a, b], 2].mean() + behind
            painted.append((depth, patch, bone / _length(patch), across, middle))
        for patch, (joint, radius) in zip(self._balls, _BALLS.items(), strict=True):
            scale = px_per_m[joint] / _PX_PER_M
            along, across = np.array([0.0, scale]), np.array([-scale, 0.0])
            painted.append((joints[joint, 2] - radius / 2, patch, along, across, pixels[joint]))
        picture = self._room.copy()
        for _, patch, along, across, middle in sorted(painted, key=lambda p: -p[0]):
            _paint(picture, patch, along, across, middle)
        return picture


def write_video(path: Path, pictures: Iterable[Picture], size: tuple[int, int]) -> None:
    """Encode pictures (BGR) of a size (width, height) as MPEG-4."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), body.FPS, size)
    for picture in pictures:
        writer.write(picture)
    writer.release()


def _length(patch: Float[np.ndarray, "h w 4"]) -> int:
    """Texture px between the two ends of a strip, which has a margin of 1 px around it."""
    return patch.shape[0] - 2


def _patch(
    half_length: float, half_width: float, corner: float, rng: np.random.Generator
) -> Float[np.ndarray, "h w 4"]:
    """A texture with rounded corners (m), its length upright; BGR times alpha, and alpha."""
    half = np.array([round(half_length * _PX_PER_M), round(half_width * _PX_PER_M)])
    height, width = 2 * half + 2
    rows, columns = np.mgrid[:height, :width] - (np.array([height, width]) - 1)[:, None, None] / 2
    radius = corner * _PX_PER_M
    beyond = np.abs([rows, columns]) - (half - radius)[:, None, None]
    distance = np.hypot(*np.maximum(beyond, 0)) + np.minimum(beyond.max(0), 0) - radius
    alpha = np.clip(0.5 - distance, 0, 1)[..., None]
    colour = rng.uniform(70, 190, 3)
    texture = _texture(height, width, rng, colour, contrast=35)
    return np.concatenate([texture * alpha, alpha], axis=-1).astype(np.float32)


def _texture(
    height: int, width: int, rng: np.random.Generator, colour: np.ndarray, contrast: float
) -> Picture:
    """Random blotches of a few px and of a few ten px around a colour."""
    total = np.zeros((height, width), np.float32)
    for sigma, share in ((1.5, 1.0), (5.0, 0.7)):
        noise = rng.standard_normal((height, width)).astype(np.float32)
        blurred = cv2.GaussianBlur(noise, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        total += share * blurred / blurred.std()
    return np.clip(colour + contrast * total[..., None], 0, 255).astype(np.uint8)


def _paint(
    picture: Picture,
    patch: Float[np.ndarray, "h w 4"],
    along: Float[np.ndarray, "2"],
    across: Float[np.ndarray, "2"],
    middle: Float[np.ndarray, "2"],
) -> None:
    """Paint a patch over a picture: its middle, and the px that one texture px covers."""
    height, width = patch.shape[:2]
    half = np.array([(width - 1) / 2, (height - 1) / 2])
    matrix = np.column_stack([across, along])
    reach = np.abs(matrix) @ half + 1
    low = np.maximum(np.floor(middle - reach), 0).astype(int)
    high = np.minimum(np.ceil(middle + reach) + 1, picture.shape[1::-1]).astype(int)
    if (high <= low).any():
        return
    affine = np.column_stack([matrix, middle - low - matrix @ half])
    warped = cv2.warpAffine(patch, affine, tuple(int(n) for n in high - low))
    part = picture[low[1] : high[1], low[0] : high[0]]
    np.rint(part * (1 - warped[..., 3:]) + warped[..., :3], out=warped[..., :3])
    part[:] = warped[..., :3]
