"""The overlay video: decoded, and its pixels looked at."""

import weakref

import numpy as np
import pytest
from video_files import write_video

from flowpose.errors import InputError
from flowpose.flow.field_file import FlowReader
from flowpose.flow.field_writing import write_flows
from flowpose.pictures import overlay
from flowpose.pictures.overlay_layout import Layout
from flowpose.pictures.skeleton_lines import COLOURS
from flowpose.pose.pose_file import Pose, write_pose
from flowpose.pose.repairs import Repairs
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.truth_file import Truth, write_truth
from flowpose.pose.weak_perspective import Crop
from flowpose.storage.provenance import Provenance
from flowpose.video.decoding import Video, VideoInfo, open_video
from flowpose.video.frames_file import FramesHeader, View

WIDTH, HEIGHT, N, FPS = 160, 160, 15, 25
INDEX = np.array([1, 5, 9, 13])
CROP = (20, 10, 120, 140)
# Of the frames that are used; the part is scaled to a half.
VIEW = View(CROP, (0.5, 0.5))
TIMES_LARGER = 4
GREY = 120
WRIST, ANKLE = METRO_14.index["r_wrist"], METRO_14.index["r_ankle"]
# To the right, and to the left: half way around the wheel of 54 steps, 27.
RED, CYAN = (255, 0, 0), (0, 209, 255)


def place(joints_px):
    """A pose whose joints are at px of the frames, 14 joints in each of 4 frames."""
    joints = np.zeros((4, 14, 3))
    # 100 px a metre in a crop as large as METRO's.
    joints[..., :2] = joints_px / 100
    crop = Crop(np.ones(4), np.full((4, 2), 112.0))
    camera = np.tile([100 / 112, -1.12, -1.12], (4, 1))
    return Pose(joints, camera, crop)


@pytest.fixture(scope="module")
def body_px():
    """Joints that are far apart, px of the frames, which move right by 4 px a frame."""
    grid = np.stack(np.meshgrid([8, 18, 28, 38], [8, 24, 40, 56]), -1).reshape(-1, 2)[:14]
    return grid + np.arange(4)[:, None, None] * np.array([4, 0])


@pytest.fixture(scope="module")
def files(tmp_path_factory, body_px):
    """A grey video, and what was made of it: where nothing is known, the truth is not drawn."""
    folder = tmp_path_factory.mktemp("overlay")
    provenance = Provenance("stage", {}, 1, "code", {})
    pictures = np.full((N, HEIGHT, WIDTH, 3), GREY, np.uint8)
    write_video(folder / "walk.avi", pictures, "ffv1", fps=FPS)
    header = FramesHeader(INDEX, INDEX / FPS, VideoInfo((WIDTH, HEIGHT), FPS, N), VIEW)
    poses = [place(body_px), place(body_px + [0, 6])]
    no = np.zeros((4, 2), bool)
    masked = np.zeros((4, 14), bool)
    masked[2, WRIST] = True
    write_pose(folder / "pose_0.h5", poses[0], provenance, header=header)
    write_pose(folder / "pose_1.h5", poses[1], provenance, repairs=Repairs(no, no, masked))
    true = body_px + [0, -6.0]
    true[1:] = np.nan
    truth = Truth(np.full((4, 14, 3), np.nan), true, METRO_14.joints, header.time)
    write_truth(folder / "truth.h5", truth, provenance)
    shape = (3, *VIEW.size[::-1])
    for k, x in enumerate((5, -5)):
        flow = np.zeros((*shape, 2), np.float32)
        flow[..., 0] = x
        write_flows(
            folder / f"flow_{k}.h5",
            flow,
            shape,
            provenance,
            lossless=False,
            precision="exact",
            device="cpu",
        )
    return folder


def draw(files, path, **changed):
    given = {
        "video": files / "walk.avi",
        "poses": [files / "pose_0.h5", files / "pose_1.h5"],
        "truth": files / "truth.h5",
        "flows": [files / "flow_0.h5", files / "flow_1.h5"],
        "title": "walk",
        "cycles": 1,
    }
    overlay.write_overlay(path, **given | changed)


@pytest.fixture(scope="module")
def drawn(files, tmp_path_factory):
    """The pictures of the overlay, their times, and where in them what is."""
    path = tmp_path_factory.mktemp("drawn") / "overlay.mp4"
    draw(files, path)
    with open_video(path) as video:
        pictures = [picture for _, picture in video.pictures(range(99))]
        layout = Layout.of((WIDTH * TIMES_LARGER, HEIGHT * TIMES_LARGER), VIEW.size)
        assert video.size == layout.size
        return np.int16(pictures), video.times, layout


def at(box, picture, x, y):
    """The mean colour of 3 x 3 px of a part of a picture."""
    x, y = round(x), round(y)
    return box.of(picture)[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(0)


def shown(point):
    """Where a point of the frames is in the video's picture as it is shown."""
    return (VIEW.to_video(np.asarray(point, float)) + 0.5) * TIMES_LARGER - 0.5


def test_every_frame_from_the_first_used_to_the_last_is_there_in_time(drawn):
    pictures, times, _ = drawn
    assert len(pictures) == 13
    np.testing.assert_allclose(times, np.arange(13) / FPS, atol=1e-5)


def test_joints_are_drawn_where_they_are_in_their_colours(drawn, body_px):
    pictures, _, layout = drawn
    for t, frame in enumerate(INDEX - 1):
        for joint in (WRIST, ANKLE):
            for who, down in (("before", 0), ("after", 6)):
                found = at(layout.picture, pictures[frame], *shown(body_px[t, joint] + [0, down]))
                np.testing.assert_allclose(found, COLOURS[who], atol=40, err_msg=who)
    # Half way between two frames that are used, half way between the poses.
    middle = body_px[:2, WRIST].mean(0)
    found = at(layout.picture, pictures[2], *shown(middle))
    np.testing.assert_allclose(found, COLOURS["before"], atol=40)


def test_what_is_not_known_is_not_drawn(drawn, body_px):
    """The truth of the first frame is known, of the others not, nor of what is in between."""
    pictures, _, layout = drawn
    true = body_px[:, WRIST] + [0, -6]
    black = at(layout.picture, pictures[0], *shown(true[0]))
    np.testing.assert_allclose(black, COLOURS["truth"], atol=40)
    for frame, point in ((2, true[:2].mean(0)), (4, true[1]), (12, true[3])):
        np.testing.assert_allclose(at(layout.picture, pictures[frame], *shown(point)), GREY, atol=6)


def test_the_picture_is_the_videos_own_beside_the_lines(drawn):
    pictures, _, layout = drawn
    beside = layout.picture.of(pictures[7])[60:600, 8:60]
    np.testing.assert_allclose(beside, GREY, atol=6)
    # The part that is used, a white line between black ones.
    x = (CROP[0] - 0.5 + 0.5) * TIMES_LARGER
    line = layout.picture.of(pictures[7])[300, round(x) - 4 : round(x) + 5].mean(-1)
    assert line.max() > 180 and line.min() < 60


def test_flows_have_the_colours_of_their_directions(drawn):
    pictures, _, layout = drawn
    for panel, colour in zip(layout.panels[:2], (RED, CYAN), strict=True):
        for picture in (pictures[0], pictures[-1]):
            box = panel.content
            np.testing.assert_allclose(at(box, picture, 60, box.height / 2), colour, atol=25)


def test_what_was_left_out_is_marked_where_it_was(drawn):
    """Frame 9 of the video, and those nearer to it than to 5 and 13."""
    pictures, _, layout = drawn
    is_marked = [
        np.allclose(at(layout.words, picture, layout.words.width - 5, 8), (230, 159, 0), atol=12)
        for picture in pictures
    ]
    assert np.flatnonzero(is_marked).tolist() == [6, 7, 8, 9]
    strip = layout.timeline.of(pictures[0])[layout.timeline.height // 2]
    orange = np.flatnonzero(np.abs(strip - (230, 159, 0)).max(-1) < 40) / layout.timeline.width
    assert orange.min() == pytest.approx(0.5, abs=0.02)
    assert orange.max() == pytest.approx(5 / 6, abs=0.02)


def test_pictures_and_fields_are_forgotten_when_they_are_drawn(files, tmp_path, monkeypatch):
    """However long the video is."""
    alive = {"pictures": weakref.WeakSet(), "fields": weakref.WeakSet()}
    most = dict.fromkeys(alive, 0)

    class Array(np.ndarray):
        """One that is hashed as the object that it is."""

        __hash__ = object.__hash__
        __eq__ = object.__eq__

    def watched(kind, array):
        array = array.view(Array)
        alive[kind].add(array)
        most[kind] = max(most[kind], len(alive[kind]))
        return array

    def pictures(video, used, decoded=Video.pictures):
        return ((n, watched("pictures", picture)) for n, picture in decoded(video, used))

    def field(flows, t, read=FlowReader.__getitem__):
        return watched("fields", read(flows, t))

    monkeypatch.setattr(Video, "pictures", pictures)
    monkeypatch.setattr(FlowReader, "__getitem__", field)
    draw(files, tmp_path / "overlay.mp4")
    assert 0 < most["pictures"] <= 3 and 0 < most["fields"] <= 3


def test_another_video_is_refused(files, tmp_path):
    short = write_video(tmp_path / "short.avi", np.zeros((9, HEIGHT, WIDTH, 3), np.uint8), "ffv1")
    with pytest.raises(InputError, match=r"short\.avi: it ends before frame 13 \(is it another"):
        draw(files, tmp_path / "overlay.mp4", video=short)
    wide = write_video(tmp_path / "wide.avi", np.zeros((9, 32, 64, 3), np.uint8), "ffv1")
    with pytest.raises(InputError, match=r"wide\.avi: 64 x 32 px, expected 160 x 160 \("):
        draw(files, tmp_path / "overlay.mp4", video=wide)
    with pytest.raises(InputError, match=r"gone\.avi: no such video"):
        draw(files, tmp_path / "overlay.mp4", video=tmp_path / "gone.avi")
    assert not list(tmp_path.glob("*overlay*"))
