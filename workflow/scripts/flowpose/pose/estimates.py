"""What readers of estimates return. They only parse; `assembly` does the rest."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from flowpose.pose.skeletons import Skeleton
from flowpose.pose.weak_perspective import Crop


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """What all estimates say of themselves.

    Attributes:
        source: the file, and the part of it that they come from, for messages.
        frames: of each row, the number of its frame.
        skeleton: the joints of each row.
        numbering: whether `frames` count the video's frames, or only those that are used.
        n_frames: how many frames the estimator has looked at, if the file says so.
        image_size: width and height of the video that it has looked at, px, if the file says so.
    """

    source: str
    frames: Int[np.ndarray, "n"]
    skeleton: Skeleton
    numbering: Literal["video", "used"] = "video"
    n_frames: int | None = None
    image_size: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Detections(Estimates):
    """Joints found in the picture: a row a person and frame, in any order.

    Attributes:
        points: (n, K, 2) video px.
        confidence: (n, K) 0 to 1; 0 where a joint was not found.
    """

    points: Float[np.ndarray, "n K 2"]
    confidence: Float[np.ndarray, "n K"]


@dataclass(frozen=True)
class CropCamera:
    """Weak-perspective cameras of person crops, a row a frame.

    Attributes:
        parameters: (n, 3) s, tx, ty.
        crop: the crops of the video's picture that they refer to.
    """

    parameters: Float[np.ndarray, "n 3"]
    crop: Crop


@dataclass(frozen=True, kw_only=True)
class Joints(Estimates):
    """The joints of one person in space: a row a frame, in order; frames may be lacking.

    Attributes:
        points: (n, J, 3) m, x right, y down, z forward.
        camera: that which brings them into the picture; None: the estimator gives none.
        picture: (n, J, 2) where they are in the picture, video px, of an estimator that says so
            without a camera; NaN where it does not.
    """

    points: Float[np.ndarray, "n J 3"]
    camera: CropCamera | None = None
    picture: Float[np.ndarray, "n J 2"] | None = None
