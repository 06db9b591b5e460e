"""The shape of a body in the picture: limbs of a person's width, the nearer before the farther."""

import numpy as np
from jaxtyping import Float, Int16

from flowpose.pose.skeletons import METRO_14

POINTS_PER_LIMB = 22
# Squared length of what has no direction, px.
_POINT = 1e-9
# Half widths in m: three quarters of the mean radii of men's limbs (circumference / 2 pi: thigh
# 90 mm, calf 58, upper arm 54, forearm 46, head 95), so that what is drawn lies on the person.
_LIMBS = (
    ("hip", "knee", 0.068),
    ("knee", "ankle", 0.044),
    ("shoulder", "elbow", 0.040),
    ("elbow", "wrist", 0.035),
)
_HEAD = 0.071
# The torso is made of strips from the line of the shoulders to that of the hips.
_STRIPS, _STRIP = 5, 0.06
# Of each limb, between which joints it starts and ends, how far from the first, and its half width.
_SHAPE = (
    *(
        ("r_shoulder", "l_shoulder", "r_hip", "l_hip", strip / (_STRIPS - 1), _STRIP)
        for strip in range(_STRIPS)
    ),
    *((f"{s}_{a}", f"{s}_{a}", f"{s}_{b}", f"{s}_{b}", 0.0, w) for a, b, w in _LIMBS for s in "rl"),
    ("neck", "neck", "head", "head", 0.0, _HEAD),
)
_STARTS, _OTHER_STARTS, _ENDS, _OTHER_ENDS = (
    [METRO_14.index[joint] for joint in joints] for joints in list(zip(*_SHAPE, strict=True))[:4]
)
_SHARES, HALF_WIDTHS = np.array([limb[4:] for limb in _SHAPE]).T


def limb_ends(
    points: Float[np.ndarray, "14 dim"],
) -> tuple[Float[np.ndarray, "14 dim"], Float[np.ndarray, "14 dim"]]:
    """Start and end of each of the 14 limbs (five of them the torso's), of METRO_14 joints."""
    share = _SHARES[:, None].astype(points.dtype)
    start = points[_STARTS] + share * (points[_OTHER_STARTS] - points[_STARTS])
    end = points[_ENDS] + share * (points[_OTHER_ENDS] - points[_ENDS])
    return start, end


def visible_limbs(
    joints: Float[np.ndarray, "14 2"],
    depth: Float[np.ndarray, "14"],
    size: tuple[int, int],
    *,
    px_per_m: float,
) -> Int16[np.ndarray, "H W"]:
    """Which point of which limb each pixel shows; -1: none.

    A pixel is of the limb whose axis is at most its half width away, of several the one whose
    surface, a half width before its axis, is nearest to the camera; and of the closest of the
    POINTS_PER_LIMB points along it. Limbs with an end that is not finite are left out.

    Args:
        joints: METRO_14 joints, px.
        depth: of the joints, away from the camera, m.
        size: height and width of the picture, px.
        px_per_m: px that a metre of the body has in the picture.

    Returns:
        POINTS_PER_LIMB times the limb plus the point.
    """
    height, width = size
    shown = np.full(size, -1, np.int16)
    nearest = np.full(size, np.inf)
    points = np.column_stack([joints, depth])
    for limb, (start, end, half_width) in enumerate(
        zip(*limb_ends(points), HALF_WIDTHS, strict=True)
    ):
        if not np.isfinite([start, end]).all():
            continue
        (*axis, start_depth), (*_, end_depth) = start, end
        radius, bone = half_width * px_per_m, (end - start)[:2]
        low = np.floor(np.minimum(start, end)[:2] - radius).astype(int)
        high = np.ceil(np.maximum(start, end)[:2] + radius).astype(int) + 1
        (left, top), (right, bottom) = (
            np.clip(low, 0, (width, height)),
            np.clip(high, 0, (width, height)),
        )
        part = slice(top, bottom), slice(left, right)
        y, x = np.ogrid[part]
        along = ((x - axis[0]) * bone[0] + (y - axis[1]) * bone[1]) / max(bone @ bone, _POINT)
        along = np.clip(along, 0, 1)
        away = np.hypot(x - axis[0] - along * bone[0], y - axis[1] - along * bone[1])
        surface = start_depth + along * (end_depth - start_depth) - half_width
        visible = (away <= radius) & (surface < nearest[part])
        point = POINTS_PER_LIMB * limb + np.rint(along * (POINTS_PER_LIMB - 1))
        shown[part][visible] = point[visible]
        nearest[part][visible] = surface[visible]
    return shown


def limb_points(points: Float[np.ndarray, "14 dim"]) -> Float[np.ndarray, "308 dim"]:
    """POINTS_PER_LIMB points along each limb, from end to end, limb after limb."""
    starts, ends = limb_ends(points)
    share = np.linspace(0, 1, POINTS_PER_LIMB, dtype=points.dtype)[:, None]
    return (starts[:, None] + share * (ends - starts)[:, None]).reshape(-1, points.shape[-1])
