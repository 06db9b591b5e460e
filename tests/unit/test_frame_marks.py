import numpy as np

from flowpose.evaluation.frame_marks import MARKS, read_marks
from flowpose.storage import stage_files


def test_marks_are_those_of_the_file_and_of_frames(tmp_path, provenance):
    """A mark of joints is one of their frame; what the file does not say, no frame has."""
    joints = np.zeros((5, 14), bool)
    joints[[1, 3], 4] = True
    with stage_files.create(tmp_path / "pose_1.h5", provenance) as h5:
        stage_files.add(h5, "repaired", joints, axes="frame joint")
    marks = read_marks(tmp_path / "pose_1.h5", 5)
    assert list(marks) == list(MARKS)
    assert marks["repaired"].tolist() == [False, True, False, True, False]
    assert not marks["masked"].any() and marks["masked"].shape == (5,)
