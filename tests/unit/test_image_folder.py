"""Folders of pictures in the place of a video."""

import numpy as np
import pytest
from PIL import Image

from flowpose.errors import InputError
from flowpose.video.decoding import VideoInfo, open_video
from flowpose.video.frames_file import extract_frames, open_frames, read_header

WIDTH, HEIGHT = 40, 30
# In this order; PNG keeps every px.
NAMES = ["1.png", "2.png", "9.png", "010.png", "10.PNG", "shot 2 of 11.png", "shot 10 of 11.png"]
N = len(NAMES)


def picture(n, width=WIDTH, height=HEIGHT):
    rows, columns = np.mgrid[:height, :width]
    return np.stack([5 * columns, 7 * rows, 0 * rows + 30 * n], -1).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Pictures, written in another order than that of their numbers, and other files."""
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    for n in reversed(range(N)):
        Image.fromarray(picture(n)).save(folder / NAMES[n])
    (folder / "notes.txt").write_text("no picture")
    (folder / ".thumbnail.png").write_text("no picture")
    return folder


def decoded(folder, used=range(99)):
    with open_video(folder, fps=12) as video:
        return video, dict(video.pictures(used))


def test_pictures_are_frames_in_the_order_of_their_numbers(folder):
    video, frames = decoded(folder)
    assert list(frames) == list(range(N))
    np.testing.assert_array_equal(np.stack(list(frames.values())), [picture(n) for n in range(N)])
    np.testing.assert_array_equal(video.times, np.arange(N) / 12)
    assert VideoInfo.of(video) == VideoInfo((WIDTH, HEIGHT), 12, N)
    assert list(decoded(folder, range(1, 5, 3))[1]) == [1, 4]


def test_they_become_the_frames_of_a_sequence(folder, tmp_path, provenance):
    part = {"first": 0, "step": None, "rate": 6, "count": None, "start": 1 / 12, "end": None}
    size = {"crop": (5, 4, 20, 20), "width": None, "max_side": 16}
    extract_frames(tmp_path / "frames.h5", folder, provenance, **part, **size, fps=12, jpeg=False)
    header = read_header(tmp_path / "frames.h5")
    assert header.index.tolist() == [1, 3, 5]
    np.testing.assert_allclose(header.time, np.array([1, 3, 5]) / 12)
    assert (header.view.size, header.fps) == ((16, 16), pytest.approx(6))
    with open_frames(tmp_path / "frames.h5") as frames:
        assert frames[2][..., 2].tolist() == [[150] * 16] * 16


def test_pictures_are_turned_as_a_camera_says_and_grey_ones_are_rgb(folder):
    exif = Image.Exif()
    # The first row is the picture's right side.
    exif[0x0112] = 6
    for n, name in enumerate(NAMES):
        Image.fromarray(np.rot90(picture(n))).save(folder / name, exif=exif)
    Image.fromarray(picture(3)[..., 0]).save(folder / NAMES[3])
    video, frames = decoded(folder)
    assert video.size == (WIDTH, HEIGHT)
    np.testing.assert_array_equal(frames[4], picture(4))
    np.testing.assert_array_equal(frames[3], np.repeat(picture(3)[..., :1], 3, -1))


def other_size(folder):
    Image.fromarray(picture(2, 41)).save(folder / NAMES[2])


def no_picture(folder):
    (folder / NAMES[2]).write_text("no picture")


def cut_off(folder):
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    Image.fromarray(noise).save(folder / NAMES[2])
    content = (folder / NAMES[2]).read_bytes()
    (folder / NAMES[2]).write_bytes(content[: len(content) // 2])


def sixteen_bits(folder):
    Image.fromarray(np.full((HEIGHT, WIDTH), 300, np.uint16)).save(folder / NAMES[2])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (other_size, r"9.png: 41 x 30 px, 1.png has 40 x 30 \(all pictures of a folder must be"),
        (no_picture, r"9.png: no picture that can be read"),
        (cut_off, r"9.png: no picture that can be read"),
        (sixteen_bits, r"9.png: grey levels of more than 8 bits \(mode I;16\) \(convert the pict"),
    ],
)
def test_a_picture_that_is_not_right_is_named(folder, spoil, message):
    spoil(folder)
    with pytest.raises(InputError, match=message):
        decoded(folder)


def test_a_folder_says_no_frame_rate_and_a_video_does(folder, tmp_path):
    with pytest.raises(InputError, match=r"does not say its frame rate \(set fps, for example"):
        open_video(folder).__enter__()
    (tmp_path / "a.mp4").touch()
    with pytest.raises(InputError, match=r"a.mp4: a video has times of its own \(fps is for fold"):
        open_video(tmp_path / "a.mp4", fps=12).__enter__()


def test_a_folder_without_pictures_is_refused(folder):
    for name in NAMES:
        (folder / name).unlink()
    with pytest.raises(
        InputError, match=r"it's a folder: a folder without pictures \(.bmp, .jpeg,"
    ):
        decoded(folder)
