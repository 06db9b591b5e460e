"""OpenPose's `--write_json`: a folder with one JSON a frame, of any number of people."""

import json
import re
from pathlib import Path

import numpy as np
from jaxtyping import Float

from flowpose.errors import InputError, check
from flowpose.pose.estimates import Detections
from flowpose.pose.skeletons import Skeleton

BODY_25 = Skeleton.of(
    "body_25",
    "nose neck r_shoulder r_elbow r_wrist l_shoulder l_elbow l_wrist mid_hip r_hip r_knee r_ankle "
    "l_hip l_knee l_ankle r_eye l_eye r_ear l_ear l_big_toe l_small_toe l_heel r_big_toe "
    "r_small_toe r_heel",
)
OPENPOSE_18 = Skeleton.of(
    "openpose_18",
    "nose neck r_shoulder r_elbow r_wrist l_shoulder l_elbow l_wrist r_hip r_knee r_ankle "
    "l_hip l_knee l_ankle r_eye l_eye r_ear l_ear",
)
# Files do not name the model; its number of joints tells it.
_SKELETONS = {len(skeleton): skeleton for skeleton in (BODY_25, OPENPOSE_18)}
# `<video>_000000000012_keypoints.json` is of frame 12.
_NAME = re.compile(r"(?:[^.].*_)?(\d+)_keypoints\.json")


def read_detections(folder: Path | str) -> Detections:
    """The detections in all frames of the video, numbered from 0.

    A joint whose confidence is 0 was not detected.

    Args:
        folder: JSON files {"people": [{"pose_keypoints_2d": [x, y, confidence, ...]}]}, one a
            frame, of the model BODY_25 or COCO, in px.

    Raises:
        InputError: there are none, one is of another form, or they are not in px.
    """
    check(Path(folder).is_dir(), folder, "no such folder")
    named = [(path, _NAME.fullmatch(path.name)) for path in sorted(Path(folder).iterdir())]
    numbers = [(int(match[1]), path) for path, match in named if match]
    files = dict(numbers)
    check(bool(files), folder, "no files *_<frame>_keypoints.json", "made by --write_json?")
    check(len(files) == len(numbers), folder, "several files of a frame", "of several videos?")
    people = [(frame, person) for frame, path in sorted(files.items()) for person in _people(path)]
    sizes = {len(person) for _, person in people}
    check(len(sizes) > 0, folder, f"nobody was detected in any of the {len(files)} files")
    check(len(sizes) == 1, folder, f"people of {sorted(sizes)} joints", "made by several models?")
    rows = np.stack([person for _, person in people])
    points = rows[..., :2]
    confidence = np.where(np.isfinite(rows).all(-1), np.clip(rows[..., 2], 0, 1), 0)
    # Options of OpenPose's write fractions of the picture, from 0 or -1 to 1.
    check(
        float(np.abs(points[confidence > 0]).max(initial=0)) > 1,
        folder,
        "coordinates from -1 to 1, px are needed",
        "run OpenPose with --keypoint_scale 0",
    )
    return Detections(
        source=str(folder),
        frames=np.array([frame for frame, _ in people], int),
        points=points,
        confidence=confidence,
        skeleton=_SKELETONS[sizes.pop()],
        n_frames=max(files) + 1,
    )


def _people(path: Path) -> list[Float[np.ndarray, "K 3"]]:
    """Joints x, y (px) and confidence of the people in a frame."""
    try:
        people = json.loads(path.read_text())["people"]
        found = [np.array(p["pose_keypoints_2d"], np.float64).reshape(-1, 3) for p in people]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no JSON of OpenPose: {error!r}") from error
    for joints in found:
        check(
            len(joints) in _SKELETONS,
            path,
            f"expected people of {' or '.join(map(str, _SKELETONS))} joints, found {len(joints)}",
            "run OpenPose with --model_pose BODY_25 or COCO",
        )
    return found
