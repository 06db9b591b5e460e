"""DCPose, the 2D detector of the paper (docs/reference.md, 3): one JSON a sequence."""

import json
from pathlib import Path, PurePosixPath

import numpy as np

from flowpose.errors import InputError, check
from flowpose.pose.estimates import Detections
from flowpose.pose.skeletons import Skeleton

# PoseTrack order. Its hips, head and neck are defined unlike METRO's, hence names of their own.
DCPOSE_17 = Skeleton.of(
    "dcpose_17",
    "nose head_bottom head_top l_ear r_ear l_shoulder r_shoulder l_elbow r_elbow l_wrist r_wrist "
    "l_hip_posetrack r_hip_posetrack l_knee r_knee l_ankle r_ankle",
)


def read_detections(file: Path | str) -> Detections:
    """The detections in the frames that are used, an entry a person.

    An entry is of the frame whose number its `image_path` ends in (docs/reference.md, B5). A joint
    at exactly (0, 0) was not detected; the detector's scores are not used.

    Args:
        file: JSON {"Info": [{"image_path": ".../00000012.jpg", "keypoints": 17 x [x, y, score]}]}.

    Raises:
        InputError: the file is no such JSON.
    """
    check(Path(file).is_file(), file, "no such file")
    try:
        entries = json.loads(Path(file).read_text())["Info"]
        frames = [int(PurePosixPath(entry["image_path"]).stem) for entry in entries]
        points = np.array([entry["keypoints"] for entry in entries], np.float64)
        points = points.reshape(len(frames), len(DCPOSE_17), 3)[..., :2]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: no result file of DCPose: {error!r}") from error
    check(bool(np.isfinite(points).all()), file, "keypoints that are not finite")
    return Detections(
        source=str(file),
        frames=np.array(frames, int),
        points=points,
        confidence=(points != 0).any(-1).astype(np.float64),
        skeleton=DCPOSE_17,
        numbering="used",
    )
