"""The videos of the mini Human3.6M data set: a textured doll before a textured wall.

Every bone is a flat textured strip from joint to joint and every joint a textured ball, so that
the picture around a joint moves as the joint does. Where every pixel goes is known exactly.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import mini_human36m_body as body
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

Picture = UInt8[np.ndarray, "h w 3"]
_ROOM = -1  # in the place of a layer's index
_PX_PER_M = 256  # of the textures; about that of a person in the middle of the room
# Strips: from joint, to joint, half width in m, how much further away than its middle it counts
# as when strips overlap, in m (the torso lies behind the limbs' ends).
STRIPS = (
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
            for a, b, half_width, _ in STRIPS
        ]
        self._balls = [_patch(radius, radius, radius, rng) for radius in _BALLS.values()]
        width, height = camera.size
        self._room = _texture(height, width, rng, np.array([96, 104, 100]), contrast=18)

    def picture(self, joints: Float[np.ndarray, "32 3"]) -> Picture:
        """What the camera sees of joints in the camera frame, m; BGR."""
        picture = self._room.copy()
        for layer in self._from_far_to_near(joints):
            layer.paint(picture)
        return picture

    def motion(
        self, joints: Float[np.ndarray, "32 3"], next_joints: Float[np.ndarray, "32 3"]
    ) -> "Motion":
        """Where each pixel of the picture of some joints is in the picture of others.

        A pixel is of the nearest layer that covers at least half of it, and moves as that layer's
        texture; the room does not move.
        """
        layers, next_layers = self._layers(joints), self._layers(next_joints)
        owner, next_owner = self._owner(joints), self._owner(next_joints)
        height, width = owner.shape
        flow = np.zeros((height, width, 2))
        for index, (layer, moved) in enumerate(zip(layers, next_layers, strict=True)):
            rows, columns = np.nonzero(owner == index)
            points = np.stack([columns, rows], -1)
            flow[rows, columns] = moved.to_picture(layer.to_texture(points)) - points
        goals = np.rint(np.indices((width, height)).T + flow).astype(int)
        columns, rows = np.moveaxis(goals, -1, 0)
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        there = next_owner[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
        return Motion(flow.astype(np.float32), owner != _ROOM, ~inside | (there != owner))

    def _owner(self, joints: Float[np.ndarray, "32 3"]) -> Int[np.ndarray, "h w"]:
        """Which layer each pixel is of."""
        owner = np.full(self._room.shape[:2], _ROOM)
        for layer in self._from_far_to_near(joints):
            part, covered = layer.covered(owner.shape)
            owner[part][covered[..., 3] >= 0.5] = layer.index
        return owner

    def _from_far_to_near(self, joints: Float[np.ndarray, "32 3"]) -> list["_Layer"]:
        return sorted(self._layers(joints), key=lambda layer: -layer.depth)

    def _layers(self, joints: Float[np.ndarray, "32 3"]) -> list["_Layer"]:
        """Strips and balls as they lie in the picture, in the order of their definition."""
        pixels = self._camera.to_pixels(joints)
        px_per_m = self._camera.focal_px.mean() / joints[:, 2]
        layers: list[_Layer] = []
        for patch, (a, b, _, behind) in zip(self._strips, STRIPS, strict=True):
            bone = pixels[b] - pixels[a]
            normal = np.array([-bone[1], bone[0]]) / max(np.linalg.norm(bone), 1e-6)
            across = normal * px_per_m[[a, b]].mean() / _PX_PER_M
            matrix = np.column_stack([across, bone / _length(patch)])
            depth = joints[[a, b], 2].mean() + behind
            layers.append(_Layer(len(layers), depth, patch, matrix, pixels[[a, b]].mean(0)))
        for patch, (joint, radius) in zip(self._balls, _BALLS.items(), strict=True):
            scale = px_per_m[joint] / _PX_PER_M
            matrix = np.array([[-scale, 0.0], [0.0, scale]])
            depth = joints[joint, 2] - radius / 2
            layers.append(_Layer(len(layers), depth, patch, matrix, pixels[joint]))
        return layers


@dataclass(frozen=True)
class Motion:
    """Where the pixels of a picture are in the next one.

    Attributes:
        flow: x, y to there, px.
        person: whether a pixel is of the person.
        occluded: whether it is covered, or out of the picture, in the next one.
    """

    flow: Float[np.ndarray, "h w 2"]
    person: Bool[np.ndarray, "h w"]
    occluded: Bool[np.ndarray, "h w"]


@dataclass(frozen=True)
class _Layer:
    """A patch as it lies in a picture.

    Attributes:
        index: which of all patches it is.
        depth: the deeper is painted first, m.
        patch: BGR times alpha, and alpha.
        matrix: px of the picture by px of the patch.
        middle: where the patch's middle lies, px.
    """

    index: int
    depth: float
    patch: Float[np.ndarray, "h w 4"]
    matrix: Float[np.ndarray, "2 2"]
    middle: Float[np.ndarray, "2"]

    @property
    def _half(self) -> Float[np.ndarray, "2"]:
        height, width = self.patch.shape[:2]
        return np.array([(width - 1) / 2, (height - 1) / 2])

    def to_picture(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Px of the patch as px of the picture."""
        return (points - self._half) @ self.matrix.T + self.middle

    def to_texture(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Px of the picture as px of the patch; a limb that points at the camera has no length."""
        return (points - self.middle) @ np.linalg.pinv(self.matrix).T + self._half

    def covered(
        self, size: tuple[int, int]
    ) -> tuple[tuple[slice, slice], Float[np.ndarray, "h w 4"]]:
        """The part of a picture (height, width) that it may cover, and its BGR and alpha there."""
        reach = np.abs(self.matrix) @ self._half + 1
        low = np.maximum(np.floor(self.middle - reach), 0).astype(int)
        high = np.minimum(np.ceil(self.middle + reach) + 1, size[::-1]).astype(int)
        part = slice(low[1], max(low[1], high[1])), slice(low[0], max(low[0], high[0]))
        if (high <= low).any():
            return part, np.zeros((*np.maximum(high - low, 0)[::-1], 4), np.float32)
        offset = self.middle - low - self.matrix @ self._half
        affine = np.column_stack([self.matrix, offset])
        return part, cv2.warpAffine(self.patch, affine, tuple(int(n) for n in high - low))

    def paint(self, picture: Picture) -> None:
        """Paint it over a picture."""
        part, covering = self.covered(picture.shape[:2])
        below = picture[part]
        below[:] = np.rint(below * (1 - covering[..., 3:]) + covering[..., :3])


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
