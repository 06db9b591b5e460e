"""What runs MediaPipe Pose, as a program in MediaPipe's own environment, which has no flowpose.

Pictures come in at stdin, RGB, of the width and height that are its arguments. At stdout go a line
of JSON on what looks at them, then for each picture the landmarks: of each joint x and y (parts of
the picture's width and height), x, y and z (m, from the middle of the hips) and how visible it is,
float32; NaN where nobody was found.
"""

import json
import os
import sys


def main() -> None:
    """Answer each picture until there are no more."""
    width, height = map(int, sys.argv[1:])
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What libraries print shall not come among the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    import mediapipe
    import numpy as np

    solution = mediapipe.solutions.pose
    names = [landmark.name.lower() for landmark in solution.PoseLandmark]
    joints = [name.replace("left", "l").replace("right", "r") for name in names]
    answers.write(json.dumps({"version": mediapipe.__version__, "joints": joints}).encode() + b"\n")
    answers.flush()
    # Only the full model comes with the package: the others would be fetched from the web.
    with solution.Pose(static_image_mode=False, model_complexity=1) as pose:
        while len(raw := sys.stdin.buffer.read(3 * width * height)) == 3 * width * height:
            found = pose.process(np.frombuffer(raw, np.uint8).reshape(height, width, 3))
            rows = np.full((len(joints), 6), np.nan, np.float32)
            if found.pose_landmarks is not None:
                pairs = zip(
                    found.pose_landmarks.landmark, found.pose_world_landmarks.landmark, strict=True
                )
                rows[:] = [(p.x, p.y, w.x, w.y, w.z, p.visibility) for p, w in pairs]
            answers.write(rows.tobytes())
            answers.flush()


if __name__ == "__main__":
    main()
