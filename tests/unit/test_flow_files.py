import cv2
import mini_human36m_files as files
import numpy as np
import pytest

from flowpose.datasets.flow_files import read_true_flow
from flowpose.errors import InputError
from flowpose.flow.true_flow_file import TrueField, open_true_flow, write_true_flow
from flowpose.video.decoding import VideoInfo
from flowpose.video.frames_file import FramesHeader, View

WIDTH, HEIGHT, N_VIDEO = 60, 40, 9


def header(index, crop=None, width=None):
    view = View.of((WIDTH, HEIGHT), crop, width)
    info = VideoInfo((WIDTH, HEIGHT), 30.0, N_VIDEO)
    return FramesHeader(np.array(index), np.array(index) / 30, info, view)


def write_flo(path, flow):
    assert cv2.writeOpticalFlow(str(path), np.ascontiguousarray(flow, np.float32))


WRITERS = {".flo": write_flo, ".png": files.write_kitti_flow}


@pytest.fixture
def folder(tmp_path, rng):
    """Writes fields of flow as files of a format, and masks; the folder."""

    def run(flows, suffix=".flo", masks=()):
        for name in ("flow", "person"):
            (tmp_path / name).mkdir()
        for t, flow in enumerate(flows):
            WRITERS[suffix](tmp_path / "flow" / f"frame_{t:04}{suffix}", flow)
        for t, mask in enumerate(masks):
            files.write_mask(tmp_path / "person" / f"{t:04}.png", mask)
        return tmp_path

    return run


@pytest.fixture
def flows(rng):
    """Whole 64ths of px, which KITTI's files hold exactly."""
    return np.rint(rng.uniform(-30, 30, (3, HEIGHT, WIDTH, 2)) * 64).astype(np.float32) / 64


@pytest.mark.parametrize("suffix", WRITERS)
def test_flow_is_what_was_written(folder, flows, suffix):
    found = read_true_flow(folder(flows, suffix) / "flow")
    pairs = list(found.of_pairs(header([1, 3, 5, 7])))
    np.testing.assert_array_equal([flow for flow, _ in pairs], flows)
    assert all(mask is None for _, mask in pairs)


def test_what_is_not_known_is_nan(tmp_path):
    """More than 1e9 px for Middlebury, a third channel of 0 for KITTI."""
    flow = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    flow[3, 4, 0] = 1.7e9
    write_flo(tmp_path / "0.flo", flow)
    stored = np.full((HEIGHT, WIDTH, 3), 2**15, np.uint16)
    stored[..., 0] = 1
    stored[3, 4, 0] = 0
    (tmp_path / "kitti").mkdir()
    cv2.imwrite(str(tmp_path / "kitti" / "0.png"), stored)
    for place in (tmp_path, tmp_path / "kitti"):
        found = read_true_flow(place)
        for path in [*found.flows, found.flows[0]]:
            path.with_name(path.name.replace("0.", "1.")).write_bytes(path.read_bytes())
        ((flow, _), _) = read_true_flow(place).of_pairs(header([0, 1, 2]))
        unknown = np.isnan(flow).any(-1)
        assert unknown.sum() == 1 and unknown[3, 4]
        assert (flow[~unknown] == 0).all()


def test_crop_and_scale_apply_to_pixels_and_to_motion(folder):
    """The right half of the picture, at twice the size: a motion of (3, -2) is one of (6, -4)."""
    flow = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    flow[:, 30:] = 3, -2
    flow[10, 40] = 9, 9
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10, 40] = True
    place = folder([flow] * 2, masks=[mask] * 3)
    found = read_true_flow(place / "flow", place / "person")
    (large, person), _ = found.of_pairs(header([0, 1, 2], crop=(30, 0, 30, 40), width=60))
    assert large.shape == (80, 60, 2) and person.shape == (80, 60)
    expected = np.full((80, 60, 2), np.float32([6, -4]))
    expected[20:22, 20:22] = 18, 18
    np.testing.assert_array_equal(large, expected)
    np.testing.assert_array_equal(person, (expected == 18).all(-1))


def test_a_smaller_frame_mixes_no_motions(folder):
    """In frames of a third of the size, each pixel has the motion of the middle one of 3 x 3."""
    flow = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    flow[:, :31] = 6, 3
    place = folder([flow] * 2)
    crop = (0, 0, 60, 39)
    (small, _), _ = read_true_flow(place / "flow").of_pairs(header([0, 1, 2], crop, width=20))
    expected = np.zeros((13, 20, 2))
    expected[:, :10] = 2, 1
    np.testing.assert_allclose(small, expected, rtol=1e-6)


def test_a_point_goes_where_the_flow_of_the_frames_takes_it(folder, rng):
    """Crop, scale and flow agree with what is done to joints."""
    flow = np.tile(np.float32([4.5, -2.25]), (HEIGHT, WIDTH, 1))
    found = read_true_flow(folder([flow] * 2) / "flow")
    used = header([0, 1, 2], crop=(5, 3, 44, 33), width=31)
    (scaled, _), _ = found.of_pairs(used)
    start = rng.uniform(10, 30, (14, 2))
    moved = used.view.to_frame(start + flow[0, 0]) - used.view.to_frame(start)
    np.testing.assert_allclose(moved, np.tile(scaled[0, 0], (14, 1)), rtol=1e-6)
    assert used.view.size == scaled.shape[1::-1]


def numbered(n, value):
    """Fields that tell which they are."""
    return [np.full((HEIGHT, WIDTH, 2), value(t), np.float32) for t in range(n)]


def test_files_are_of_all_frames_where_every_one_is_used(folder):
    flows, masks = numbered(N_VIDEO - 1, float), [np.full((HEIGHT, WIDTH), t % 2) for t in range(9)]
    place = folder(flows, masks=masks)
    found = read_true_flow(place / "flow", place / "person")
    pairs = list(found.of_pairs(header([2, 3, 4, 5])))
    assert [flow[0, 0, 0] for flow, _ in pairs] == [2, 3, 4]
    assert [bool(mask[0, 0]) for _, mask in pairs] == [False, True, False]


def test_flow_of_all_frames_is_none_of_every_other_frame(folder):
    found = read_true_flow(folder(numbered(N_VIDEO - 1, float)) / "flow")
    with pytest.raises(InputError, match=r"flow: 8 files of flow for 3 pairs .*frames.step: 1"):
        next(found.of_pairs(header([0, 2, 4, 6])))


def test_masks_of_other_frames_are_refused(folder):
    place = folder(numbered(3, float), masks=[np.ones((HEIGHT, WIDTH), bool)] * 3)
    found = read_true_flow(place / "flow", place / "person")
    with pytest.raises(InputError, match=r"person: 3 masks for 4 frames that are used"):
        next(found.of_pairs(header([0, 2, 4, 6])))


def test_files_of_another_size_than_the_video_are_refused(folder):
    place = folder([np.zeros((HEIGHT, WIDTH // 2, 2))] * 3)
    with pytest.raises(InputError, match=r"frame_0000.flo: of 30 x 40 px, the video has 60 x 40"):
        next(read_true_flow(place / "flow").of_pairs(header([0, 1, 2, 3])))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("0.flo", r"0.flo: no flow in Middlebury's format"),
        ("0.png", r"0.png: no picture that can be read"),
    ],
)
@pytest.mark.parametrize("content", [b"", b"PIEH\x7f", bytes(1000), b"PIEH" + b"\x7f" * 1000])
def test_a_damaged_file_is_named(tmp_path, name, message, content):
    for n in range(2):
        (tmp_path / name.replace("0", str(n))).write_bytes(content)
    with pytest.raises(InputError, match=message):
        next(read_true_flow(tmp_path).of_pairs(header([0, 1, 2])))


def test_a_file_that_ends_early_is_named(folder):
    place = folder([np.zeros((HEIGHT, WIDTH, 2))] * 2) / "flow"
    content = (place / "frame_0001.flo").read_bytes()
    (place / "frame_0001.flo").write_bytes(content[:-8])
    with pytest.raises(InputError, match=r"frame_0001.flo: .*, or not all of it"):
        list(read_true_flow(place).of_pairs(header([0, 1, 2])))


def test_a_picture_that_is_no_flow_is_refused(tmp_path):
    for n in range(2):
        files.write_mask(tmp_path / f"{n}.png", np.ones((HEIGHT, WIDTH), bool))
    with pytest.raises(InputError, match=r"0.png: no flow in KITTI's format"):
        next(read_true_flow(tmp_path).of_pairs(header([0, 1, 2])))


def test_folders_without_files_or_with_two_formats_are_refused(tmp_path, folder, flows):
    with pytest.raises(InputError, match=r"none: no files of flow"):
        read_true_flow(tmp_path / "none")
    place = folder(flows)
    with pytest.raises(InputError, match=r"person: no files of masks"):
        read_true_flow(place / "flow", place / "person")
    files.write_kitti_flow(place / "flow" / "more.png", flows[0])
    with pytest.raises(InputError, match=r"flow: flows both as .flo and as .png"):
        read_true_flow(place / "flow")


@pytest.mark.parametrize("with_person", [True, False])
def test_the_file_gives_back_what_was_written(tmp_path, provenance, flows, with_person, rng):
    flows[1, 2, 3] = np.nan
    persons = [rng.random((HEIGHT, WIDTH)) < 0.5 if with_person else None for _ in flows]
    fields = [TrueField(flow, person) for flow, person in zip(flows, persons, strict=True)]
    path = tmp_path / "true_flow.h5"
    write_true_flow(path, fields, (3, HEIGHT, WIDTH), provenance, with_person=with_person)
    with open_true_flow(path) as read:
        assert len(read) == 3
        for t, field in enumerate(fields):
            np.testing.assert_array_equal(read[t].flow, field.flow)
            np.testing.assert_array_equal(read[t].person, field.person)
