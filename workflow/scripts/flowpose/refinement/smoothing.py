"""Poses that are smoothed and nothing else: what any method that uses flow must surpass.

How strongly follows from the frame rate alone, never from the truth.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from flowpose.errors import check
from flowpose.pose.pose_file import Pose
from flowpose.pose.weak_perspective import CROP_SIZE

# Of the Gaussian: a frame at 10 Hz.
_SIGMA_S = 0.1
# Of Savitzky and Golay's filter: five frames at 10 Hz, the fewest that a parabola smooths.
_WINDOW_S, _ORDER, _LEAST_WINDOW = 0.5, 2, 5


def gaussian_smoothed(pose: Pose, fps: float) -> Pose:
    """A pose filtered over time by a Gaussian of 0.1 s.

    It is taken to stand still before the first and after the last frame.

    Args:
        fps: frames a second.

    Raises:
        InputError: it is not above 0, as where it is not known.
    """
    _check_rate(fps)
    return _smoothed(
        pose, lambda values: gaussian_filter1d(values, _SIGMA_S * fps, axis=0, mode="nearest")
    )


def savitzky_golay_smoothed(pose: Pose, fps: float) -> Pose:
    """A pose of whose frames each is the value of the parabola that fits 0.5 s around it best.

    Savitzky and Golay (1964); constant acceleration stays as it is. The first and last frames are
    those of the first and last parabola.

    Args:
        fps: frames a second.

    Raises:
        InputError: it is not above 0, as where it is not known.
    """
    # Here, as it takes a second, for which every refinement would wait.
    from scipy.signal import savgol_filter

    _check_rate(fps)
    n = len(pose.joints_3d)
    window = max(_LEAST_WINDOW, 2 * round((_WINDOW_S * fps - 1) / 2) + 1)
    window = min(window, n - (n + 1) % 2)
    return _smoothed(
        pose, lambda values: savgol_filter(values, window, min(_ORDER, window - 1), axis=0)
    )


# By the name of `pose.solver`.
SMOOTHERS = {"gaussian": gaussian_smoothed, "savitzky_golay": savitzky_golay_smoothed}


def _check_rate(fps: float) -> None:
    check(
        np.isfinite(fps) and fps > 0,
        "frames",
        f"their rate is {fps}",
        "does the video say its frame rate? Or take another pose.solver",
    )


def _smoothed(
    pose: Pose, smooth: Callable[[Float[np.ndarray, "T *d"]], Float[np.ndarray, "T *d"]]
) -> Pose:
    """A pose whose joints, and size and place in the picture, are smoothed.

    The camera refers to a crop that jumps from frame to frame: what is smoothed is px a m, and
    where the origin of the joints is in the picture.
    """
    scale, start = pose.crop.scale[:, None], pose.crop.start
    half, unit = pose.crop.size // 2, CROP_SIZE / 2
    s, shift = pose.camera[:, :1].astype(np.float64), pose.camera[:, 1:]
    px_per_m = smooth(s * unit / scale)
    origin = smooth(((s * shift + 1) * unit + start - half) / scale)
    s = px_per_m * scale / unit
    shift = ((origin * scale - start + half) / unit - 1) / s
    return replace(
        pose,
        joints_3d=smooth(pose.joints_3d.astype(np.float64)).astype(pose.joints_3d.dtype),
        camera=np.hstack([s, shift]).astype(pose.camera.dtype),
    )
