"""COCO, OpenPose, and flows as .flo and KITTI's PNG."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from test_pose_exports import INDEX, files

from flowpose.datasets.flow_files import read_true_flow
from flowpose.exports import flow_flo, flow_kitti, pose_coco, pose_openpose
from flowpose.exports.exported_pose import read_exported_pose
from flowpose.exports.flow_folder import write_flow_folder
from flowpose.flow.field_file import open_flows
from flowpose.flow.field_writing import write_flows
from flowpose.pose.skeletons import METRO_14, convert
from flowpose.readers.openpose import BODY_25, read_detections
from flowpose.storage.whole_files import sha256
from flowpose.video.decoding import VideoInfo
from flowpose.video.frames_file import FramesHeader, View

HEIGHT, WIDTH = 12, 20


@pytest.fixture
def exported(tmp_path, walk, provenance):
    return read_exported_pose(*files(tmp_path, walk, provenance, missing=(2,)))


def test_openpose_is_what_our_reader_reads(tmp_path, exported):
    pose_openpose.write(tmp_path / "openpose", exported)
    found = read_detections(tmp_path / "openpose")
    assert found.skeleton == BODY_25 and found.numbering == "video"
    # Nobody where the pose was interpolated.
    assert found.frames.tolist() == [1, 6, 16, 21, 26]
    joints = exported.after.joints_2d[exported.estimated]
    back = convert(found.points, BODY_25, METRO_14)
    # BODY_25 has no head.
    np.testing.assert_allclose(back[:, :13], joints[:, :13], atol=6e-4)
    hips = joints[:, [2, 3]].mean(1)
    np.testing.assert_allclose(found.points[:, BODY_25.index["mid_hip"]], hips, atol=6e-4)
    detected = {joint for joint, c in zip(BODY_25.joints, found.confidence[0], strict=True) if c}
    assert detected == {*METRO_14.joints[:13], "mid_hip"}
    assert set(np.unique(found.confidence)) == {0, 1}


def test_coco_has_an_annotation_a_frame(tmp_path, exported):
    pose_coco.write(tmp_path / "pose.coco.json", exported)
    content = json.loads((tmp_path / "pose.coco.json").read_text())
    assert [image["id"] for image in content["images"]] == INDEX.tolist()
    assert {(image["width"], image["height"]) for image in content["images"]} == {(640, 480)}
    assert [a["image_id"] for a in content["annotations"]] == [1, 6, 16, 21, 26]
    (category,) = content["categories"]
    # The published order.
    assert category["keypoints"][:7] == [
        *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
        *("left_shoulder", "right_shoulder"),
    ]
    assert category["keypoints"][-2:] == ["left_ankle", "right_ankle"]
    for annotation, t in zip(content["annotations"], (0, 1, 3, 4, 5), strict=True):
        rows = np.reshape(annotation["keypoints"], (17, 3))
        assert rows[:5].tolist() == [[0, 0, 0]] * 5 and set(rows[5:, 2]) == {2}
        assert annotation["num_keypoints"] == 12
        for name, row in zip(category["keypoints"][5:], rows[5:], strict=True):
            side, _, joint = name.partition("_")
            expected = exported.after.joints_2d[t, METRO_14.index[f"{side[0]}_{joint}"]]
            np.testing.assert_allclose(row[:2], expected, atol=6e-4)
        x, y, width, height = annotation["bbox"]
        assert x == rows[5:, 0].min() and y == rows[5:, 1].min()
        assert width == pytest.approx(np.ptp(rows[5:, 0]), abs=2e-3)
        assert annotation["area"] == pytest.approx(width * height, rel=1e-3)


def test_no_coco_annotation_has_the_number_0(tmp_path, exported):
    """COCO's evaluation takes that for none."""
    header = replace(exported.header, index=INDEX - 1)
    pose_coco.write(tmp_path / "pose.coco.json", replace(exported, header=header))
    content = json.loads((tmp_path / "pose.coco.json").read_text())
    ids = {annotation["id"] for annotation in content["annotations"]}
    assert content["images"][0]["id"] == 0 and len(ids) == 5 and min(ids) > 0


def test_joints_off_the_picture_are_not_seen(tmp_path, exported):
    """Of frame 1 the right wrist alone is in it, in its corner; of frame 6 nothing is."""
    joints = exported.after.joints_2d
    joints[:2] = [-1, 700]
    joints[0, METRO_14.index["r_wrist"]] = [639.4, -0.4]
    pose_coco.write(tmp_path / "pose.coco.json", exported)
    content = json.loads((tmp_path / "pose.coco.json").read_text())
    assert [a["image_id"] for a in content["annotations"]] == [1, 16, 21, 26]
    first = content["annotations"][0]
    rows = np.reshape(first["keypoints"], (17, 3))
    wrist = content["categories"][0]["keypoints"].index("right_wrist")
    assert rows[wrist].tolist() == [639.4, -0.4, 2] and first["num_keypoints"] == 1
    assert not np.delete(rows, wrist, 0).any()
    assert (first["bbox"], first["area"]) == ([639.4, -0.4, 0, 0], 0)

    pose_openpose.write(tmp_path / "openpose", exported)
    found = read_detections(tmp_path / "openpose")
    assert found.frames.tolist() == [1, 16, 21, 26]
    wrist = BODY_25.index["r_wrist"]
    assert found.confidence[0, wrist] == 1 and not np.delete(found.confidence[0], wrist).any()
    (person,) = json.loads((tmp_path / "openpose/pose_000000000001_keypoints.json").read_text())[
        "people"
    ]
    rows = np.reshape(person["pose_keypoints_2d"], (25, 3))
    assert not np.delete(rows, wrist, 0).any()


@pytest.fixture
def flows(tmp_path, provenance, rng):
    """A flow file of two fields in 64ths of px, and the fields."""
    fields = np.rint(rng.uniform(-30, 30, (2, HEIGHT, WIDTH, 2)) * 64).astype(np.float32) / 64
    path = tmp_path / "flow_2.h5"
    shape = (2, HEIGHT, WIDTH)
    write_flows(path, fields, shape, provenance, lossless=False, precision="exact", device="cpu")
    with open_flows(path) as reader:
        yield reader, fields


def read_kitti(path):
    """By OpenCV, as KITTI's own tools: (value - 2^15) / 64, and what is known."""
    _, y, x = np.moveaxis(cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.float64), -1, 0)
    return (np.stack([x, y], -1) - 2**15) / 64


READERS = {flow_flo: lambda path: cv2.readOpticalFlow(str(path)), flow_kitti: read_kitti}


@pytest.mark.parametrize("writer", READERS, ids=lambda module: module.SUFFIX)
def test_flow_is_what_opencv_and_our_reader_read(tmp_path, flows, writer):
    reader, fields = flows
    folder = tmp_path / "flow"
    folder.mkdir()
    (folder / "of_another_run.flo").touch()
    index = np.array([3, 9, 15])
    write_flow_folder(folder, reader, index, writer.SUFFIX, writer.encode)
    names = [f"000003_000009{writer.SUFFIX}", f"000009_000015{writer.SUFFIX}"]
    assert sorted(path.name for path in tmp_path.glob("*flow*/*")) == names
    for name, field in zip(names, fields, strict=True):
        np.testing.assert_array_equal(READERS[writer](folder / name), field)
    info = VideoInfo((WIDTH, HEIGHT), 30.0, 20)
    header = FramesHeader(index, index / 30, info, View.of(info.size, None, None))
    back = [flow for flow, _ in read_true_flow(folder).of_pairs(header)]
    np.testing.assert_array_equal(back, fields)


def test_a_folder_is_known_by_the_names_and_contents_of_its_files(tmp_path):
    """But for Snakemake's own."""
    (tmp_path / "0.flo").write_bytes(b"one")
    (tmp_path / "1.flo").write_bytes(b"two")
    digests = [sha256(tmp_path)]
    (tmp_path / ".snakemake_timestamp").touch()
    assert sha256(tmp_path) == digests[0]
    (tmp_path / "1.flo").write_bytes(b"2")
    digests.append(sha256(tmp_path))
    (tmp_path / "1.flo").rename(tmp_path / "2.flo")
    digests.append(sha256(tmp_path))
    (tmp_path / "2.flo").unlink()
    digests.append(sha256(tmp_path))
    assert len(set(digests)) == 4


def test_kitti_marks_what_it_cannot_hold_as_unknown(tmp_path):
    flow = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    flow[0, 0, 1], flow[0, 1, 0], flow[0, 2] = 512, -513, (-512, 511.98)
    (tmp_path / "flow.png").write_bytes(flow_kitti.encode(flow))
    stored = cv2.imread(str(tmp_path / "flow.png"), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16 and np.argwhere(stored[..., 0] == 0).tolist() == [
        [0, 0],
        [0, 1],
    ]
    np.testing.assert_allclose(
        read_kitti(tmp_path / "flow.png")[0, 2], [-512, 511.98], atol=1 / 128
    )


def test_a_folder_that_could_not_be_filled_leaves_the_old_one(tmp_path, flows):
    reader, _ = flows
    (tmp_path / "flow").mkdir()
    (tmp_path / "flow" / "old.flo").touch()

    def encode(_):
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        write_flow_folder(tmp_path / "flow", reader, np.array([0, 1, 2]), ".flo", encode)
    assert [path.name for path in tmp_path.glob("*flow*/*")] == ["old.flo"]
