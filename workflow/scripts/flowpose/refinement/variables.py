"""The variables that a pose is refined in, and the bones that its joints make."""

import numpy as np
from jaxtyping import Float
from numpy.typing import DTypeLike

from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import LENGTH_BONES

# torch's PairwiseDistance adds this to every component of the difference.
_DISTANCE_EPS = 1e-6
# Below any length, in case a bone is exactly as long as to cancel it.
TINY = 1e-12
# Variables of a frame: 14 joints, then s, tx, ty of the camera.
N_JOINTS = 14 * 3
N_VARIABLES = N_JOINTS + 3

# (15, 14): 1 where a bone starts, -1 where it ends.
ENDS = np.subtract(*np.eye(14)[np.array(LENGTH_BONES).T])
# Joints times this are the bones: faster than picking their ends.
TO_BONES = np.kron(ENDS.T, np.eye(3))


def pack(pose: Pose, dtype: DTypeLike) -> Float[np.ndarray, "T 45"]:
    """A pose's joints and camera as the variables of the energy."""
    joints = pose.joints_3d.reshape(-1, N_JOINTS)
    return np.concatenate([joints, pose.camera], axis=1, dtype=dtype)


def unpack(
    variables: Float[np.ndarray, "T 45"],
) -> tuple[Float[np.ndarray, "T 14 3"], Float[np.ndarray, "T 3"]]:
    """Views of the joints and the camera in the variables."""
    return variables[:, :N_JOINTS].reshape(-1, 14, 3), variables[:, N_JOINTS:]


def bone_vectors(joints: Float[np.ndarray, "T 14 3"]) -> Float[np.ndarray, "T 15 3"]:
    """Each of LENGTH_BONES, m, off by the reference's epsilon."""
    flat = joints.reshape(-1, N_JOINTS) @ TO_BONES.astype(joints.dtype)
    return flat.reshape(-1, len(LENGTH_BONES), 3) + joints.dtype.type(_DISTANCE_EPS)


def bone_lengths(vectors: Float[np.ndarray, "T 15 3"]) -> Float[np.ndarray, "T 15"]:
    """Length of each bone, m, the squares added without rounding them first, as PyTorch does.

    Differences of lengths between frames are small, and show the last digit of a length.
    """
    x, y, z = np.moveaxis(vectors, -1, 0)
    total = x * x
    for component in (y, z):
        total = (component.astype(np.float64) ** 2 + total).astype(vectors.dtype)
    return np.sqrt(total)
