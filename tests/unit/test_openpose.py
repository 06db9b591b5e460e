import json

import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.pose.skeletons import METRO_14, sources
from flowpose.readers.openpose import BODY_25, OPENPOSE_18, read_detections


def person(n=25, shift=0.0):
    """Joint number j is at (10 j + shift, 5 j + 1), ever surer."""
    j = np.arange(n)
    return np.column_stack([10 * j + shift, 5 * j + 1, (j + 1) / n])


def write(folder, frame, *people, name="walk_{:012}_keypoints.json"):
    """A frame as `--write_json` has it."""
    flat = [{"person_id": [-1], "pose_keypoints_2d": p.ravel().tolist()} for p in people]
    folder.mkdir(exist_ok=True)
    (folder / name.format(frame)).write_text(json.dumps({"version": 1.3, "people": flat}))


def test_a_row_is_a_person_of_a_frame(tmp_path):
    write(tmp_path / "json", 0, person())
    write(tmp_path / "json", 1)
    write(tmp_path / "json", 2, person(shift=3), person(shift=400))
    write(tmp_path / "json", 3)
    found = read_detections(tmp_path / "json")
    assert (found.frames.tolist(), found.numbering, found.n_frames) == ([0, 2, 2], "video", 4)
    np.testing.assert_allclose(found.points[:, 7], [[70, 36], [73, 36], [470, 36]])
    np.testing.assert_allclose(found.confidence[1], person()[:, 2])
    assert found.skeleton == BODY_25 and found.image_size is None


@pytest.mark.parametrize(
    ("skeleton", "joints"),
    [
        (BODY_25, [11, 10, 9, 12, 13, 14, 4, 3, 2, 5, 6, 7, 1, None]),
        (OPENPOSE_18, [10, 9, 8, 11, 12, 13, 4, 3, 2, 5, 6, 7, 1, None]),
    ],
)
def test_metro_joints_come_from_the_published_indices(tmp_path, skeleton, joints):
    write(tmp_path, 0, person(len(skeleton)))
    assert read_detections(tmp_path).skeleton == skeleton
    expected = tuple(() if joint is None else (joint,) for joint in joints)
    assert sources(skeleton, METRO_14) == expected


def test_frames_of_images_go_by_the_number_in_their_name(tmp_path):
    for frame in (7, 12):
        write(tmp_path, frame, person(), name="{}_keypoints.json")
    assert read_detections(tmp_path).frames.tolist() == [7, 12]


def test_a_joint_that_was_not_found_or_is_no_number_has_no_confidence(tmp_path):
    """Zeros are OpenPose's own; a person of NaN is what Pose2Sim writes for a frame that failed."""
    seen = person()
    seen[4] = 0
    seen[7, 0] = np.nan
    write(tmp_path, 0, seen)
    write(tmp_path, 1, np.full((25, 3), np.nan))
    confidence = read_detections(tmp_path).confidence
    assert np.flatnonzero(confidence[0] == 0).tolist() == [4, 7]
    assert (confidence[1] == 0).all()


def test_a_folder_of_two_videos_is_refused_and_hidden_files_do_not_count(tmp_path):
    write(tmp_path, 1, person())
    (tmp_path / "._walk_000000000001_keypoints.json").write_bytes(b"of a Mac")
    assert len(read_detections(tmp_path).frames) == 1
    write(tmp_path, 1, person(), name="run_{:012}_keypoints.json")
    with pytest.raises(InputError, match="several files of a frame"):
        read_detections(tmp_path)


@pytest.mark.parametrize("scale", [1, 2])
def test_fractions_of_the_picture_are_refused(tmp_path, scale):
    """As of `--keypoint_scale` 3 and 4."""
    seen = person()
    seen[:, :2] = scale * seen[:, :2] / 250 - (scale - 1)
    write(tmp_path, 0, seen)
    with pytest.raises(InputError, match=r"from -1 to 1, px are needed .*--keypoint_scale 0"):
        read_detections(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON of OpenPose"),
        ('{"persons": []}', "no JSON of OpenPose: KeyError"),
        ('{"people": [{"face": []}]}', "no JSON of OpenPose: KeyError"),
        ('{"people": [{"pose_keypoints_2d": [1, 2]}]}', "no JSON of OpenPose: ValueError"),
        ('{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}', "people of 25 or 18 joints, found 1"),
    ],
)
def test_a_file_of_another_form_is_named(tmp_path, text, message):
    write(tmp_path, 0, person())
    (tmp_path / "walk_000000000001_keypoints.json").write_text(text)
    with pytest.raises(InputError, match=f"walk_000000000001_keypoints.json: .*{message}"):
        read_detections(tmp_path)


def test_folders_without_what_is_needed_are_refused(tmp_path):
    with pytest.raises(InputError, match="json: no such folder"):
        read_detections(tmp_path / "json")
    (tmp_path / "walk.json").write_text("{}")
    with pytest.raises(InputError, match=r"no files \*_<frame>_keypoints.json"):
        read_detections(tmp_path)
    write(tmp_path, 0)
    with pytest.raises(InputError, match="nobody was detected in any of the 1 files"):
        read_detections(tmp_path)
    write(tmp_path, 1, person(25), person(18))
    with pytest.raises(InputError, match=r"people of \[18, 25\] joints"):
        read_detections(tmp_path)
