"""Poses in the picture as COCO's annotations of persons: docs/exports.md."""

import json
from pathlib import Path

import numpy as np

from flowpose.exports.exported_pose import ExportedPose, in_the_picture
from flowpose.pose.skeletons import METRO_14, Skeleton, convert
from flowpose.storage.whole_files import replacing

COCO_17 = Skeleton.of(
    "coco_17",
    "nose l_eye r_eye l_ear r_ear l_shoulder r_shoulder l_elbow r_elbow l_wrist r_wrist "
    "l_hip r_hip l_knee r_knee l_ankle r_ankle",
)
_SIDES = {"l": "left", "r": "right"}
_VISIBLE = 2


def write(path: Path | str, pose: ExportedPose) -> None:
    """Write pose.coco.json: where the pose after the method is in the picture, px of the video.

    An image is a frame, and has its number. Those in which the pose was interpolated, or is off the
    picture, have no annotation; joints that are off it are not labelled.
    """
    frames = pose.header.index.tolist()
    width, height = pose.header.video.size
    points = convert(in_the_picture(pose.after.joints_2d, pose.header), METRO_14, COCO_17)
    content = {
        "images": [
            {"id": frame, "file_name": f"{frame:06}.png", "width": width, "height": height}
            for frame in frames
        ],
        "annotations": [
            {
                # Not from 0, which COCO's evaluation takes for no annotation.
                "id": t + 1,
                "image_id": frame,
                "category_id": 1,
                "iscrowd": 0,
                **_annotation(points[t]),
            }
            for t, frame in enumerate(frames)
            if pose.estimated[t] and np.isfinite(points[t]).any()
        ],
        "categories": [{"id": 1, "name": "person", "keypoints": [*map(_name, COCO_17.joints)]}],
    }
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content))


def _annotation(points: np.ndarray) -> dict[str, object]:
    """Keypoints, and the box around them, of (17, 2) points, NaN where there is none."""
    known = np.isfinite(points).all(-1)
    flags = np.where(known, _VISIBLE, 0)
    low, high = points[known].min(0), points[known].max(0)
    width, height = (high - low).tolist()
    return {
        "keypoints": np.column_stack([np.nan_to_num(points), flags]).round(3).ravel().tolist(),
        "num_keypoints": int(known.sum()),
        "bbox": [*low.round(3).tolist(), round(width, 3), round(height, 3)],
        "area": round(width * height, 3),
    }


def _name(joint: str) -> str:
    """A joint as COCO names it."""
    side, _, rest = joint.partition("_")
    return f"{_SIDES[side]}_{rest}" if rest else joint
