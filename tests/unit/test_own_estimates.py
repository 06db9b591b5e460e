"""docs/own-estimates.md: its Python, on a video of a px that moves."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from video_files import write_video

from flowpose.pose.skeletons import METRO_14, convert
from flowpose.readers.own_npz import read_detections, read_joints

TESTS = Path(__file__).parents[1]
TEXT = (TESTS.parent / "docs" / "own-estimates.md").read_text()
SPOTS = np.array([(10, 20), (12, 20), (40, 30)])


@pytest.fixture
def run(tmp_path):
    """Runs an example of the document beside the video `walk.mp4`, with mediapipe's stand-in."""
    pictures = np.zeros((4, 48, 64, 3), np.uint8)
    for picture, (x, y) in zip(pictures, SPOTS, strict=False):
        picture[y, x] = 255
    write_video(tmp_path / "walk.mkv", pictures, "ffv1", pixels="yuv444p").rename(
        tmp_path / "walk.mp4"
    )
    stand_in = (TESTS / "fake_mediapipe.py").read_text()
    (tmp_path / "mediapipe.py").write_text(stand_in)

    def example(which):
        code = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[which]
        assert len(code.strip().splitlines()) <= 16
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
        return tmp_path / "walk.npz"

    return example


def test_the_example_with_mediapipe(run):
    file = run(0)
    detections, joints = read_detections(file), read_joints(file)
    np.testing.assert_allclose(detections.points[:3, 5], SPOTS)
    assert (detections.confidence[:3] == 0.5).all() and (detections.confidence[3] == 0).all()
    assert joints.frames.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(joints.points[:, 9, 2], [1, 2, 3])
    assert np.isfinite(convert(joints.points, joints.skeleton, METRO_14)).all()


def test_the_example_with_a_detector(run, tmp_path, rng):
    points, scores = rng.uniform(0, 1, (4, 17, 2)), rng.uniform(0.2, 1.1, (4, 17))
    scores[2, 9] = 0.05
    np.save(tmp_path / "points.npy", points)
    np.save(tmp_path / "scores.npy", scores)
    detections = read_detections(run(1))
    seen = np.ones((4, 17), bool)
    seen[2, 9] = False
    np.testing.assert_allclose(detections.points[seen], (points * [64, 48])[seen])
    np.testing.assert_array_equal(detections.confidence, np.where(seen, scores.clip(0, 1), 0))
    assert detections.skeleton.joints[9:11] == ("l_wrist", "r_wrist")
    # All but neck and head are there by name, and these in between.
    assert np.isfinite(convert(detections.points[0], detections.skeleton, METRO_14)).all()
