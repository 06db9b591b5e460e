"""What flowpose uses of the package mediapipe, for tests: it sees the brightest px of a picture.

The 33 joints lie on top of each other there, in space at (x, y, n) with the px in m and n the
number of the picture; in a dark picture is nobody.
"""

import sys
from enum import IntEnum
from types import SimpleNamespace

import numpy as np

NAMES = (
    "nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer "
    "left_ear right_ear mouth_left mouth_right left_shoulder right_shoulder left_elbow "
    "right_elbow left_wrist right_wrist left_pinky right_pinky left_index right_index "
    "left_thumb right_thumb left_hip right_hip left_knee right_knee left_ankle right_ankle "
    "left_heel right_heel left_foot_index right_foot_index"
)
__version__ = "0.fake"


class Pose:
    def __init__(self, **options):
        # Libraries are talkative.
        print("a word at stdout", flush=True)
        print("a word at stderr", file=sys.stderr, flush=True)
        self.options, self.n = options, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def process(self, picture):
        self.n += 1
        height, width = picture.shape[:2]
        y, x = np.unravel_index(picture.sum(-1).argmax(), (height, width))
        if picture[y, x].sum() < 300:
            return SimpleNamespace(pose_landmarks=None, pose_world_landmarks=None)
        where = SimpleNamespace(x=x / width, y=y / height, visibility=0.5)
        world = SimpleNamespace(x=x, y=y, z=self.n)
        return SimpleNamespace(
            pose_landmarks=SimpleNamespace(landmark=[where] * 33),
            pose_world_landmarks=SimpleNamespace(landmark=[world] * 33),
        )


_names = [name.upper() for name in NAMES.split()]
_landmarks = IntEnum("PoseLandmark", _names, start=0)
solutions = SimpleNamespace(pose=SimpleNamespace(Pose=Pose, PoseLandmark=_landmarks))
