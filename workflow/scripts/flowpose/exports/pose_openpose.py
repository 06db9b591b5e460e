"""Poses in the picture as OpenPose's `--write_json` has them: docs/exports.md."""

import json
from pathlib import Path

import numpy as np

from flowpose.exports.exported_pose import ExportedPose, in_the_picture
from flowpose.pose.skeletons import METRO_14, convert
from flowpose.readers.openpose import BODY_25
from flowpose.storage.whole_files import replacing_folder

_VERSION = 1.3


def write(path: Path | str, pose: ExportedPose) -> None:
    """Write a folder of a file a frame: the pose after the method, px of the video, BODY_25.

    Joints that METRO_14 lacks or that are off the picture are not detected (0, 0, 0), others for
    certain (1); the middle of the hips is that. Nobody is detected in frames in which the pose was
    interpolated, or is off the picture.
    """
    joints = pose.after.joints_2d
    points = convert(joints, METRO_14, BODY_25)
    ends = [METRO_14.index[joint] for joint in ("r_hip", "l_hip")]
    points[:, BODY_25.index["mid_hip"]] = joints[:, ends].mean(1)
    points = in_the_picture(points, pose.header)
    known = np.isfinite(points).all(-1, keepdims=True)
    rows = np.concatenate([np.nan_to_num(points), known], axis=-1).round(3)
    with replacing_folder(path) as temporary:
        for t, frame in enumerate(pose.header.index.tolist()):
            person = {"person_id": [-1], "pose_keypoints_2d": rows[t].ravel().tolist()}
            seen = pose.estimated[t] and known[t].any()
            content = {"version": _VERSION, "people": [person] if seen else []}
            name = f"pose_{frame:012}_keypoints.json"
            (temporary / name).write_text(json.dumps(content))
