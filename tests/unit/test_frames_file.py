import cv2
import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpose.errors import InputError
from flowpose.storage import stage_files
from flowpose.video.decoding import VideoInfo, jpeg_round_trip
from flowpose.video.frames_file import View, extract_frames, open_frames, read_header
from flowpose.video.selection import used_frames

WIDTH, HEIGHT, N_FRAMES, FPS = 64, 48, 14, 50
USED = {"first": 1, "step": 5, "count": None, "crop": None, "width": None, "jpeg": False}

crops = st.tuples(
    st.integers(0, 500), st.integers(0, 500), st.integers(1, 2000), st.integers(1, 2000)
)


@pytest.fixture(scope="module")
def pictures():
    """RGB pictures (n, h, w, 3), smooth enough for a JPEG, each of another colour."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack(
        [np.stack([2 * columns, 3 * rows, 0 * rows + 15 * t], -1) for t in range(N_FRAMES)]
    ).astype(np.uint8)


@pytest.fixture(scope="module")
def video(pictures, tmp_path_factory):
    """The pictures as a lossless video."""
    path = tmp_path_factory.mktemp("video") / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), FPS, (WIDTH, HEIGHT))
    for picture in pictures:
        writer.write(picture[..., ::-1])
    writer.release()
    return path


@pytest.fixture
def extract(video, tmp_path, provenance):
    """Extracts frames with some settings changed; returns them and what the file says of them."""

    def run(source=video, **changes):
        path = tmp_path / "frames.h5"
        extract_frames(path, source, provenance, **USED | changes)
        with open_frames(path) as frames:
            return np.stack(list(frames)), read_header(path)

    return run


def test_scaling_by_half_keeps_pixel_centres():
    """Pixels 0 and 1, centres at 0 and 1, become pixel 0, whose centre they surround."""
    view = View.of((100, 80), None, 50)
    assert view.size == (50, 40)
    points = np.array([[0.5, 0.5], [-0.5, -0.5], [2.5, 4.5], [99.5, 79.5]])
    expected = [[0, 0], [-0.5, -0.5], [1, 2], [49.5, 39.5]]
    np.testing.assert_allclose(view.to_frame(points), expected)


def test_a_crop_shifts_points():
    view = View.of((100, 80), (10, 20, 50, 40), None)
    np.testing.assert_allclose(view.to_frame(np.array([[10.0, 20], [30, 25]])), [[0, 0], [20, 5]])


@given(crops, st.integers(16, 2000))
def test_corners_of_the_crop_are_corners_of_the_frame(crop, width):
    view = View.of((2500, 2500), crop, width)
    x, y, w, h = crop
    corners = view.to_frame(np.array([[x - 0.5, y - 0.5], [x + w - 0.5, y + h - 0.5]]))
    np.testing.assert_allclose(corners[0], -0.5)
    np.testing.assert_allclose(corners[1], np.array(view.size) - 0.5, atol=1e-6)
    assert view.size[0] == width
    assert abs(view.size[1] - h * width / w) <= 0.5 + 1e-9


@pytest.mark.parametrize("width", [WIDTH // 2, WIDTH // 4, WIDTH * 3 // 4, WIDTH * 2])
def test_pixels_are_scaled_as_points_are(pictures, width):
    """A picture whose red is twice its column: a frame's red is twice where it came from."""
    view = View.of((WIDTH, HEIGHT), (8, 4, 32, 32), width)
    frame = view.cut(pictures[0])
    assert frame.shape == (width, width, 3)
    inner = slice(width // 4, -(width // 4))
    columns = np.arange(width)[inner]
    middles = (columns + 0.5) * 32 / width - 0.5
    np.testing.assert_allclose(frame[inner, inner, 0].mean(0), 2 * (8 + middles), atol=0.6)
    np.testing.assert_allclose(frame[inner, inner, 1].mean(1), 3 * (4 + middles), atol=0.6)


def test_frames_that_shrink_average_all_pixels(pictures):
    stripes = np.zeros_like(pictures[0])
    stripes[:, ::4] = 200
    frame = View.of((WIDTH, HEIGHT), None, WIDTH // 4).cut(stripes)
    np.testing.assert_array_equal(frame, np.full((HEIGHT // 4, WIDTH // 4, 3), 50))


@pytest.mark.parametrize(
    ("first", "step", "count", "index"),
    [(1, 5, None, [1, 6, 11]), (0, 3, 4, [0, 3, 6, 9]), (11, 1, 99, [11, 12, 13])],
)
def test_frames_used_are_every_nth_in_rgb(extract, pictures, first, step, count, index):
    frames, header = extract(first=first, step=step, count=count)
    assert header.index.tolist() == index == list(used_frames(first, step, count, N_FRAMES))
    np.testing.assert_array_equal(frames, pictures[index])


def test_frames_are_cropped(extract, pictures):
    frames, header = extract(crop=(10, 4, 20, 30))
    np.testing.assert_array_equal(frames, pictures[[1, 6, 11], 4:34, 10:30])
    assert header.view == View((10, 4, 20, 30))


def test_header_says_how_frames_came_from_the_video(extract, video):
    frames, header = extract(crop=(10, 4, 40, 20), width=36)
    assert frames.shape == (3, 18, 36, 3)
    assert header.view == View.of((WIDTH, HEIGHT), (10, 4, 40, 20), 36)
    assert header.video == VideoInfo((WIDTH, HEIGHT), FPS, N_FRAMES)
    np.testing.assert_allclose(header.time, np.array([1, 6, 11]) / FPS, rtol=1e-12)


@pytest.mark.parametrize(
    ("crop", "size"),
    [
        (None, (32, 24)),
        ((0, 0, 20, 40), (16, 32)),
        ((4, 4, 32, 17), (32, 17)),
        ((0, 0, 33, 17), (32, 16)),
        ((0, 0, 20, 30), (20, 30)),
    ],
)
def test_frames_are_scaled_down_to_a_longest_side_and_never_up(extract, crop, size):
    frames, header = extract(crop=crop, max_side=32)
    assert (header.view.size, frames.shape[1:3]) == (size, size[::-1])
    _, _, width, height = header.view.crop
    assert header.view.scale == (size[0] / width, size[1] / height)


def test_frames_are_used_by_their_time(extract, pictures):
    frames, header = extract(first=0, step=None, rate=25, start=0.1, end=0.2)
    assert header.index.tolist() == [5, 7, 9]
    np.testing.assert_array_equal(frames, pictures[[5, 7, 9]])
    with pytest.raises(InputError, match=r"14 frames, of which 0 are used \(one in 1, from 14\)"):
        extract(first=0, step=1, start=1)


def test_a_crop_may_be_found_from_the_frames_that_are_used(extract, pictures):
    asked = []

    def crop(used, times, size):
        asked.append((list(used), size, (times * FPS).round(9).tolist()))
        return (3, 2, 20, 30)

    frames, header = extract(crop=crop)
    assert asked == [([1, 6, 11], (WIDTH, HEIGHT), list(range(N_FRAMES)))]
    assert header.view == View((3, 2, 20, 30))
    np.testing.assert_array_equal(frames, pictures[[1, 6, 11], 2:32, 3:23])


def test_file_says_how_many_frames_a_second_there_are(extract, tmp_path):
    extract()
    with stage_files.opened(tmp_path / "frames.h5") as h5:
        assert h5.attrs["video_fps"] == FPS
        assert h5.attrs["fps"] == FPS / 5


def test_jpeg_mode_compresses_the_frames(extract, pictures):
    frames, _ = extract(jpeg=True)
    assert (frames != pictures[[1, 6, 11]]).any()
    np.testing.assert_array_equal(frames[0], jpeg_round_trip(pictures[1]))
    assert abs(frames.astype(int) - pictures[[1, 6, 11]]).max() < 30


def test_jpeg_is_of_quality_75_with_colours_at_half_the_size(pictures):
    """As another encoder makes it, to a grey level or two."""
    noise = np.random.default_rng(0).integers(0, 40, pictures[1].shape, np.uint8)
    picture = pictures[1] // 2 + noise
    _, encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])
    expected = cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1].astype(int)
    assert np.abs(jpeg_round_trip(picture) - expected).max() <= 2
    assert np.abs(picture - expected).max() > 10


def test_a_missing_video_is_named(extract, tmp_path):
    with pytest.raises(InputError, match=r"none.mp4: no such video"):
        extract(tmp_path / "none.mp4")


def test_a_file_that_is_no_video_is_named(extract, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(InputError, match=r"text.mp4: no video that can be opened"):
        extract(tmp_path / "text.mp4")


def test_a_truncated_video_is_noticed_and_leaves_no_file(extract, video, tmp_path):
    """Its header still promises all frames."""
    cut = tmp_path / "cut.avi"
    cut.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    with pytest.raises(InputError, match=r"cut.avi: expected 14 frames, only \d+ can be decoded"):
        extract(cut)
    assert not (tmp_path / "frames.h5").exists()


def test_a_truncated_video_is_noticed_even_if_the_frames_used_are_there(extract, video, tmp_path):
    cut = tmp_path / "cut.avi"
    cut.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    with pytest.raises(InputError, match=r"cut.avi: expected 14 frames"):
        extract(cut, step=1, count=3)


def test_a_video_without_frames_is_named(extract, tmp_path):
    path = tmp_path / "empty.avi"
    fourcc = cv2.VideoWriter.fourcc(*"FFV1")
    cv2.VideoWriter(str(path), fourcc, FPS, (WIDTH, HEIGHT)).release()
    with pytest.raises(InputError, match=r"empty.avi: a video of no frames"):
        extract(path)


@pytest.mark.parametrize("changes", [{"step": 9}, {"first": 12, "step": 1}, {"first": 99}])
def test_a_video_of_too_few_frames_is_refused(extract, changes):
    with pytest.raises(InputError, match=r"video.avi: 14 frames, of which [012] are used"):
        extract(**changes)


@pytest.mark.parametrize("crop", [(0, 0, 65, 48), (0, 1, 64, 48), (60, 0, 5, 5)])
def test_a_crop_that_is_larger_than_the_video_is_refused(extract, crop):
    with pytest.raises(InputError, match=r"video.avi: the crop reaches to .* 64 x 48 px"):
        extract(crop=crop)


@pytest.mark.parametrize(
    ("changes", "size"),
    [({"crop": (0, 0, 15, 48)}, "15 x 48"), ({"crop": (0, 0, 64, 20), "width": 32}, "32 x 10")],
)
def test_frames_too_small_for_raft_are_refused(extract, changes, size):
    with pytest.raises(InputError, match=rf"video.avi: frames would be {size} px .*at least 16"):
        extract(**changes)


def test_a_damaged_frame_is_noticed_when_it_is_read(extract, tmp_path):
    extract()
    path = tmp_path / "frames.h5"
    with h5py.File(path) as h5:
        chunk = h5["frames"].id.get_chunk_info(2)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + 9] ^= 1
    path.write_bytes(content)
    with open_frames(path) as frames, pytest.raises(InputError, match=r"frames.h5: damaged"):
        assert frames[0].shape == (HEIGHT, WIDTH, 3)
        frames[2]


def test_frames_just_large_enough_for_raft_are_kept(extract):
    frames, _ = extract(crop=(0, 0, 16, 16))
    assert frames.shape == (3, 16, 16, 3)
