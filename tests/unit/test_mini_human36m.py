"""The mini Human3.6M data set is what it says: formats, geometry, pictures."""

import json
import tarfile

import cdflib
import cv2
import mini_human36m as mini
import mini_human36m_render as render
import numpy as np
import pytest
from mini_human36m_body import CAMERAS
from mini_human36m_files import METRO_14
from video_files import decode

from flowpose.datasets.flow_files import read_true_flow
from flowpose.evaluation.dense_errors import dense_errors
from flowpose.evaluation.flow_metrics import end_point_errors
from flowpose.evaluation.pose_metrics import joint_errors
from flowpose.flow.true_flow_file import TrueField
from flowpose.pose.assembly import assemble_estimates
from flowpose.readers import dcpose, metro
from flowpose.video.decoding import VideoInfo
from flowpose.video.frames_file import FramesHeader, View

N_FRAMES = 12
USED = range(mini.FIRST, N_FRAMES, mini.STEP)
LABELS = "data/h36m/{0.subject}/MyPoseFeatures/D3_Positions/{0.action}.cdf"
VIDEO = "data/h36m/{0.subject}/Videos/{0.name}.mp4"
METRO = "metro_estimates_h36m/{0.subject}/{0.name}_results.npz"
DCPOSE = "dcpose_estimates_h36m/{0.subject}/result_{0.name}.json"
each = pytest.mark.parametrize("recording", mini.RECORDINGS, ids=lambda r: f"{r.subject} {r.name}")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with the data set, and METRO's errors."""
    folder = tmp_path_factory.mktemp("mini") / "h36m"
    return folder, mini.write_data_set(folder, N_FRAMES)


@pytest.fixture(scope="module")
def folder(written):
    return written[0]


def amiss(what):
    (recording,) = (r for r in mini.RECORDINGS if r.amiss == what)
    return recording


def used_truth(recording):
    """METRO's joints in the used frames: camera frame, and pixels."""
    truth = mini.Truth.of(recording, N_FRAMES)
    return truth.camera[USED][:, METRO_14], truth.pixels[USED][:, METRO_14]


def estimates(folder, recording):
    """The pose and the keypoints of the used frames, px of the video."""
    header, _ = decode(folder / VIDEO.format(recording), USED)
    return assemble_estimates(
        metro.read_joints(folder / METRO.format(recording)),
        dcpose.read_detections(folder / DCPOSE.format(recording)),
        header,
    )


def read_grey(path):
    _, frames = decode(path, USED)
    return [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]


def test_the_files_are_those_of_the_published_layout(folder):
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    layout = (LABELS, VIDEO, METRO, DCPOSE)
    expected = {path.format(r) for r in mini.RECORDINGS for path in layout}
    unused = ("_ALL.60457274", "_ALL.54138969", "Walking 1.54138969")
    expected |= {f"data/h36m/{s}/Videos/{name}.mp4" for s in ("S9", "S11") for name in unused}
    assert found == expected
    assert "data/h36m/S11/Videos/Directions.60457274.mp4" in found


def test_a_subset_comes_out_the_same_each_time(folder, tmp_path):
    recording = amiss(mini.TWO_PEOPLE)
    mini.write_data_set(tmp_path, N_FRAMES, [recording])
    for path in (LABELS, VIDEO, METRO, DCPOSE):
        file = path.format(recording)
        assert (tmp_path / file).read_bytes() == (folder / file).read_bytes(), file


def test_the_cameras_are_those_of_the_reference():
    """Points of a golden case: world mm to px, joints 0, 3, 15 of S9 and 0, 15 of S11."""
    world = [[-415.892, 401.2, 930], [-735.6523, 115.79146, 123.02029]]
    world += [[-541.1509, 331.57352, 1608.7256]]
    pixels = [[372.44476, 356.99237], [305.2062, 584.77545], [352.13156, 176.43861]]
    check_camera("S9", world, pixels)
    world = [[-494.21487, -235.45795, 930], [-619.47375, -305.08444, 1608.7256]]
    check_camera("S11", world, [[377.8456, 385.05496], [354.52417, 174.80867]])


def check_camera(subject, world_mm, pixels):
    camera = CAMERAS[subject]
    projected = camera.to_pixels(camera.to_camera(np.array(world_mm) / 1000))
    np.testing.assert_allclose(projected, pixels, atol=1e-3)


@each
def test_the_person_is_a_person_in_the_picture(recording):
    truth = mini.Truth.of(recording, 100)
    bones = {"thigh": (1, 2, 0.443), "upper arm": (17, 18, 0.279), "hips": (1, 6, 0.264)}
    for name, (a, b, length) in bones.items():
        lengths = np.linalg.norm(truth.world[:, a] - truth.world[:, b], axis=-1)
        np.testing.assert_allclose(lengths, length, atol=0.005, err_msg=name)
    height = truth.world[..., 2].max(1)
    assert (height > 1.65).all() and (height < 1.75).all()
    assert (np.abs(truth.world[..., 2].min(1)) < 0.08).all()
    for a, b in ((0, 11), (13, 16), (13, 24), (19, 20), (22, 23), (27, 28), (30, 31)):
        np.testing.assert_allclose(truth.world[:, a], truth.world[:, b])
    assert (truth.pixels > 100).all() and (truth.pixels < 900).all()


@each
def test_labels_are_read_back_by_cdflib(folder, recording):
    pose = cdflib.CDF(folder / LABELS.format(recording)).varget("Pose")
    assert pose.shape == (1, N_FRAMES, 96) and pose.dtype == np.float32
    truth = mini.Truth.of(recording, N_FRAMES)
    np.testing.assert_allclose(pose.reshape(-1, 32, 3) / 1000, truth.world, rtol=0, atol=1e-6)


def test_labels_are_packed_as_they_are_distributed(folder, tmp_path):
    packed = mini.pack_labels(folder, "S9", tmp_path)
    assert packed.name == "Poses_D3_Positions_S9.tgz"
    with tarfile.open(packed) as archive:
        recordings = [r for r in mini.RECORDINGS if r.subject == "S9"]
        names = sorted(LABELS.format(r).removeprefix("data/h36m/") for r in recordings)
        assert archive.getnames() == names
        content = archive.extractfile(names[0]).read()
    assert content == (folder / "data" / "h36m" / names[0]).read_bytes()


@each
def test_videos_have_the_camera_s_size_and_rate(folder, recording):
    info = decode(folder / VIDEO.format(recording), USED)[0].video
    assert (info.size, info.fps, info.n_frames) == ((1000, 1002), 50, N_FRAMES)


@each
def test_metro_s_error_is_the_one_reported(written, recording):
    folder, errors = written
    path = folder / METRO.format(recording)
    assert (b"cuda:0" in path.read_bytes()) == (recording.device == "cuda:0")
    assert 40 < errors[recording] < 60
    pose, _ = estimates(folder, recording)
    assert pose.missing == ((1,) if recording.amiss == mini.NO_METRO else ())
    there = [t for t in range(len(USED)) if t not in pose.missing]
    joints, pixels = used_truth(recording)
    found = joint_errors(pose.joints_3d, joints)[there]
    assert found.mean() == pytest.approx(errors[recording], 1e-5)
    distance = np.linalg.norm(pose.project() - pixels, axis=-1)[there]
    # A weak-perspective camera alone is up to some 15 px off where an arm points at it.
    assert np.median(distance) < 12 and distance.max() < 40


@each
def test_detections_are_close_to_the_truth(folder, recording):
    path = folder / DCPOSE.format(recording)
    info = json.loads(path.read_text())["Info"]
    frames = [int(entry["image_path"].removesuffix(".jpg")[-8:]) for entry in info]
    expected = {mini.NO_DETECTION: [0, 2], mini.TWO_DETECTIONS: [0, 1, 1, 2]}
    assert frames == expected.get(recording.amiss, [0, 1, 2])
    _, pixels = used_truth(recording)
    _, keypoints = estimates(folder, recording)
    seen = keypoints.weights(0) > 0
    offset = (keypoints.joints_2d - pixels)[seen]
    assert seen.sum() == len(set(frames)) * 10
    assert 1.5 < offset.std() < 3.5 and np.abs(offset).max() < 15


def test_the_pictures_move_as_the_joints_do(folder):
    """Around a joint that is seen in two used frames, the texture is displaced as the joint."""
    offsets = []
    for recording in mini.RECORDINGS:
        frames = read_grey(folder / VIDEO.format(recording))
        _, pixels = used_truth(recording)
        for t, joint in np.ndindex(len(USED) - 1, 14):
            offsets.append(texture_offset(*frames[t : t + 2], *pixels[t : t + 2, joint]))
    offsets = np.array(offsets)
    seen = np.isfinite(offsets)
    assert seen.mean() > 0.7
    assert np.median(offsets[seen]) < 0.3 and (offsets[seen] < 1).mean() > 0.9


def texture_offset(before, after, start, end, half=7, reach=10):
    """How far from where the joint went its texture is found again, px; NaN if it is not."""
    template = window(before, start, half)
    likeness = cv2.matchTemplate(window(after, end, half + reach), template, cv2.TM_CCOEFF_NORMED)
    y, x = np.unravel_index(likeness.argmax(), likeness.shape)
    if likeness[y, x] < 0.85 or not (0 < x < 2 * reach and 0 < y < 2 * reach):
        return np.nan
    dx, dy = peak(likeness[y, x - 1 : x + 2]), peak(likeness[y - 1 : y + 2, x])
    return np.hypot(x + dx - reach, y + dy - reach)


def window(picture, middle, half):
    side = 2 * half + 1
    return cv2.getRectSubPix(picture, (side, side), middle.tolist(), patchType=cv2.CV_32F)


def peak(values):
    """Where the parabola through three values has its top, from the middle one."""
    left, middle, right = values
    return (left - right) / (2 * (left - 2 * middle + right))


WALK = mini.RECORDINGS[0]


@pytest.fixture(scope="module")
def moment():
    """Two pictures of a walk 0.1 s apart, where the pixels go, and the joints in both."""
    truth = mini.Truth.of(WALK, N_FRAMES)
    doll = render.Doll(CAMERAS["S9"], np.random.default_rng(0))
    before, after = truth.camera[list(USED[:2])]
    pixels = truth.pixels[list(USED[:2])][:, METRO_14]
    return doll.picture(before), doll.picture(after), doll.motion(before, after), pixels


def test_what_is_seen_in_both_pictures_is_where_the_flow_takes_it(moment):
    """The second picture warped back is the first, but for what is covered and for blending."""
    before, after, motion, _ = moment
    warped = cv2.remap(after.astype(np.float32), *goals(motion.flow), cv2.INTER_LINEAR)
    still = np.abs(after.astype(float) - before).mean(-1)
    errors = np.abs(warped - before).mean(-1)
    seen = ~motion.occluded
    assert np.median(errors[seen & motion.person]) < 2
    assert np.percentile(errors[seen & motion.person], 90) < 6
    # Room beside the person's soft border mixes with it.
    assert (errors[seen & ~motion.person] < 1).mean() > 0.998
    assert np.median(errors[motion.occluded]) > 20 and np.median(still[motion.person]) > 30


def goals(flow):
    """Columns and rows of where the pixels go."""
    height, width = flow.shape[:2]
    return np.moveaxis(np.indices((width, height)).T.astype(np.float32) + flow, -1, 0)


def test_the_flow_at_a_joint_that_is_seen_is_the_joint_s_motion(moment):
    """A joint may lie below another limb, which moves in its own way."""
    *_, motion, (start, end) = moment
    columns, rows = np.rint(start).astype(int).T
    errors = np.linalg.norm(motion.flow[rows, columns] - (end - start), axis=-1)
    assert (errors < 0.5).sum() >= 10 and motion.person[rows, columns].all()


def test_only_the_person_moves_and_covers(moment):
    """What the person covers in the second picture, or uncovered by it, lies along its border."""
    *_, motion, _ = moment
    assert (motion.flow[~motion.person] == 0).all()
    assert 0.02 < motion.person.mean() < 0.06
    fastest = np.linalg.norm(motion.flow, axis=-1).max()
    reach = round(fastest) + 1
    near = cv2.dilate(motion.person.astype(np.uint8), np.ones((2 * reach + 1,) * 2)) > 0
    assert motion.occluded.any() and not (motion.occluded & ~near).any()
    assert (motion.occluded & motion.person).any(), "limbs cover each other"


def test_a_person_that_stands_still_has_no_flow():
    truth = mini.Truth.of(WALK, N_FRAMES).camera[1]
    motion = render.Doll(CAMERAS["S9"], np.random.default_rng(0)).motion(truth, truth)
    assert np.abs(motion.flow).max() < 1e-3 and not motion.occluded.any()


def test_the_true_flow_is_written_for_each_pair_of_used_frames(tmp_path):
    folder = mini.write_true_flow(tmp_path, WALK, N_FRAMES)
    assert folder == tmp_path / "true_flow" / "S9" / "Walking.60457274"
    n = {kind: len(list((folder / kind).iterdir())) for kind in ("flow", "person", "occluded")}
    assert n == {"flow": 2, "person": 3, "occluded": 2}
    truth = mini.Truth.of(WALK, N_FRAMES).camera[list(USED)]
    motion = mini._doll("S9").motion(*truth[1:])
    stored = cv2.imread(str(folder / "flow" / "frame_0001.png"), cv2.IMREAD_UNCHANGED)
    flow = (stored[..., 2:0:-1].astype(float) - 2**15) / 64
    np.testing.assert_allclose(flow, motion.flow, atol=1 / 128)
    for kind in ("person", "occluded"):
        mask = cv2.imread(str(folder / kind / "frame_0001.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask > 0, getattr(motion, kind))


def test_the_true_flow_of_smaller_frames_moves_the_joints_as_they_move_there(tmp_path):
    """Written, read back, cropped and scaled; joints below another limb move in another way."""
    folder = mini.write_true_flow(tmp_path, WALK, N_FRAMES)
    info = VideoInfo((1000, 1002), 50.0, N_FRAMES)
    view = View.of(info.size, (250, 100, 500, 700), 200)
    header = FramesHeader(np.array(USED), np.array(USED) / 50, info, view)
    files = read_true_flow(folder / "flow", folder / "person")
    fields = [TrueField(*pair) for pair in files.of_pairs(header)]
    joints = header.view.to_frame(used_truth(WALK)[1])
    flows = [field.flow for field in fields]
    errors = end_point_errors(flows, joints)
    assert errors.valid.all() and (errors.values < 0.2).mean() > 0.65
    assert np.linalg.norm(np.diff(joints, axis=0), axis=-1).mean() > 3
    still = np.zeros_like(flows)
    moving = {name: of.mean() for name, of in dense_errors(still, fields).items()}
    assert moving["person"] > 3 and 0.5 < moving["border"] < moving["person"]
    assert moving["background"] == 0, "the room stands still"
