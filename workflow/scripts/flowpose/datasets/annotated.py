"""Joints that somebody has marked in the pictures of a video: a truth in the picture only."""

from pathlib import Path

import numpy as np

from flowpose.errors import check
from flowpose.pose.labels import Labels
from flowpose.pose.skeletons import METRO_14, Skeleton
from flowpose.storage.plain_npz import field, names, read_npz

# All joints nearer to the upper left corner than this, px: nobody is so small.
_FRACTIONS_END = 2.0


def read_labels(file: Path | str) -> Labels:
    """Labels of joints in the picture, and of none in space.

    Args:
        file: npz with `joints` (K), their names, METRO_14's where they are its joints, and
            `joints_2d` (F, K, 2), px of the video, of every frame from its first on; pixel centres
            are at whole numbers, NaN where nobody has marked the joint.

    Raises:
        InputError: the file or an array is missing or of another shape, no joint is known, none is
            METRO_14's, two have one name, or they are fractions of the picture.
    """
    data, source = read_npz(file), f"{file}: joints_2d"
    joints = names(data, file, "joints")
    joints_2d = field(data, file, "joints_2d")
    check(
        joints_2d.ndim == 3 and joints_2d.shape[1:] == (len(joints), 2),
        source,
        f"expected (frames, {len(joints)}, 2) for the joints named, found {joints_2d.shape}",
    )
    numbers = np.issubdtype(joints_2d.dtype, np.number)
    check(numbers, source, f"expected numbers, found {joints_2d.dtype}")
    joints_2d = joints_2d.astype(np.float64)
    check(len(set(joints)) == len(joints), f"{file}: joints", "a name occurs twice")
    check(
        bool(set(joints) & set(METRO_14.joints)),
        f"{file}: joints",
        f"none of {', '.join(joints)} is a joint of the poses",
        f"name those that are: {', '.join(METRO_14.joints)}",
    )
    known = np.abs(joints_2d[np.isfinite(joints_2d)])
    check(known.size > 0, source, "no joint is known")
    check(
        bool((known > _FRACTIONS_END).any()),
        source,
        f"all are within {_FRACTIONS_END:g} px of the corner",
        "are they fractions of the picture? Multiply x by the video's width, y by its height",
    )
    joints_3d = np.full((len(joints_2d), len(METRO_14), 3), np.nan)
    return Labels(source, joints_3d, METRO_14, joints_2d, Skeleton("annotated", joints))
