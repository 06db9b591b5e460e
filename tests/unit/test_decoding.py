"""Videos of many kinds: pixels are OpenCV's, numbers of frames and times are the true ones."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from video_files import B_FRAMES, add_sound, copy_stream, decode, turn, write_video

from flowpose.errors import FlowposeError, InputError
from flowpose.video.decoding import jpeg_round_trip, open_video
from flowpose.video.frames_file import extract_frames, open_frames, read_header

N, FPS = 30, 50
WHOLE = range(N)
# A camera that slows down and jitters.
JITTER_MS = np.cumsum([0, *range(10, 39), 90][:N]).tolist()
ALT_REF = {"auto-alt-ref": "1", "lag-in-frames": "10"}
KINDS = {
    "h264.mp4": ("libx264", {"options": B_FRAMES}),
    "h264.avi": ("libx264", {"options": B_FRAMES}),
    "h264.ts": ("libx264", {"options": B_FRAMES}),
    "fragments.mp4": (
        "libx264",
        {"options": B_FRAMES, "container": {"movflags": "frag_keyframe+empty_moov"}},
    ),
    "mpeg4.mp4": ("mpeg4", {"options": B_FRAMES}),
    "mpeg4.avi": ("mpeg4", {"options": B_FRAMES}),
    "10bit.mp4": ("libx265", {"pixels": "yuv420p10le"}),
    "422_10bit.mov": ("prores_ks", {"pixels": "yuv422p10le"}),
    "vp8.webm": ("libvpx", {"options": ALT_REF}),
    "vp9.webm": ("libvpx-vp9", {"options": ALT_REF}),
    "full_range.avi": ("mjpeg", {"pixels": "yuvj420p"}),
    "lossless.mkv": ("ffv1", {"pixels": "yuv444p"}),
}
JITTERY = {
    "jitter.mp4": ("libx264", {"options": B_FRAMES}),
    "jitter8.webm": ("libvpx", {"options": ALT_REF}),
    "jitter9.webm": ("libvpx-vp9", {"options": ALT_REF}),
}


def moving(width=96, height=64, n=N):
    """RGB pictures of coloured blotches that move to the right."""
    colours = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    picture = cv2.resize(colours, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.stack([np.roll(picture, 3 * t, 1) for t in range(n)])


def of_opencv(path):
    """All frames as OpenCV decodes them, RGB."""
    capture, frames = cv2.VideoCapture(str(path)), []
    while True:
        there, frame = capture.read()
        if not there:
            return np.stack(frames)
        frames.append(frame[..., ::-1])


@pytest.mark.parametrize("name", KINDS)
def test_pixels_are_those_of_opencv_and_times_those_of_the_camera(tmp_path, name):
    codec, settings = KINDS[name]
    path = write_video(tmp_path / name, moving(), codec, fps=FPS, **settings)
    header, frames = decode(path, WHOLE)
    np.testing.assert_array_equal(frames, of_opencv(path))
    assert np.abs(frames.astype(int) - moving()).mean() < 12
    assert (header.video.n_frames, header.video.size) == (N, (96, 64))
    np.testing.assert_allclose(header.time, np.arange(N) / FPS, atol=1e-9)
    assert header.video.fps == FPS


@pytest.mark.parametrize("name", JITTERY)
def test_frames_at_any_times_are_counted_and_timed(tmp_path, name):
    codec, settings = JITTERY[name]
    path = write_video(tmp_path / name, moving(), codec, times_ms=JITTER_MS, **settings)
    header, frames = decode(path, WHOLE)
    np.testing.assert_array_equal(frames, of_opencv(path))
    assert header.video.n_frames == N
    np.testing.assert_allclose(header.time, np.array(JITTER_MS) / 1000, atol=1e-3)
    assert header.video.fps == pytest.approx((N - 1) / JITTER_MS[-1] * 1000, rel=1e-3)


def test_the_file_of_frames_tells_the_times_of_those_used(tmp_path, provenance):
    path = tmp_path / "jitter.webm"
    write_video(path, moving(), "libvpx-vp9", times_ms=JITTER_MS)
    used = {"first": 2, "step": 7, "count": None, "crop": None, "width": None, "jpeg": False}
    extract_frames(tmp_path / "frames.h5", path, provenance, **used)
    header = read_header(tmp_path / "frames.h5")
    assert header.index.tolist() == [2, 9, 16, 23]
    np.testing.assert_allclose(header.time, np.array(JITTER_MS)[header.index] / 1000, atol=1e-9)
    with open_frames(tmp_path / "frames.h5") as frames:
        fps = frames._frames.file.attrs["fps"]
    assert fps == pytest.approx(3 / (header.time[-1] - header.time[0]))


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("size", [(96, 64), (95, 63)])
def test_pictures_are_turned_as_a_phone_says(tmp_path, degrees, size):
    settings = {"pixels": "yuv444p", "options": B_FRAMES | {"qp": "1"}}
    path = write_video(tmp_path / "phone.mp4", moving(*size), "libx264", **settings)
    turn(path, degrees)
    header, frames = decode(path, WHOLE)
    np.testing.assert_array_equal(frames, of_opencv(path))
    assert header.video.size == frames.shape[2:0:-1]
    upright = np.rot90(moving(*size), -degrees // 90, axes=(1, 2))
    assert np.abs(frames.astype(int) - upright).mean() < 2


def test_a_turned_video_is_cropped_and_scaled_upright(tmp_path, provenance):
    path = write_video(tmp_path / "phone.mp4", moving(), "libx264")
    turn(path, 90)
    used = {"first": 0, "step": 10, "count": None, "jpeg": True}
    crop = {"crop": (10, 20, 40, 60), "width": 20}
    extract_frames(tmp_path / "frames.h5", path, provenance, **used, **crop)
    header = read_header(tmp_path / "frames.h5")
    assert header.video.size == (64, 96) and header.view.size == (20, 30)
    part = of_opencv(path)[::10, 20:80, 10:50]
    with open_frames(tmp_path / "frames.h5") as frames:
        for t, whole in enumerate(part):
            small = cv2.resize(whole, (20, 30), interpolation=cv2.INTER_AREA)
            np.testing.assert_array_equal(frames[t], jpeg_round_trip(small))


@pytest.mark.parametrize("name", ["h264.mp4", "vp9.webm"])
def test_any_number_of_threads_gives_the_same(tmp_path, name):
    codec, settings = KINDS[name]
    path = write_video(tmp_path / name, moving(), codec, **settings)
    with open_video(path, threads=4) as video:
        frames = np.stack([picture for _, picture in video.pictures(WHOLE)])
    np.testing.assert_array_equal(frames, decode(path, WHOLE)[1])


def test_frames_that_an_edit_list_hides_are_not_counted(tmp_path):
    """As a clip that was cut out without encoding it again has them."""
    whole = write_video(tmp_path / "whole.mp4", moving(), "libx264", options=B_FRAMES, fps=FPS)
    clip = copy_stream(whole, tmp_path / "clip.mp4", later=Fraction(-7, FPS))
    header, frames = decode(clip, WHOLE)
    assert header.video.n_frames == N - 7
    np.testing.assert_array_equal(frames, of_opencv(whole)[7:])
    np.testing.assert_allclose(header.time, np.arange(N - 7) / FPS, atol=1e-9)


@pytest.mark.parametrize("name", ["sound.mp4", "sound.mkv"])
def test_sound_does_not_matter_though_it_ends_later(tmp_path, name):
    silent = write_video(tmp_path / "silent.mp4", moving(), "libx264", options=B_FRAMES, fps=FPS)
    header, frames = decode(add_sound(silent, tmp_path / name, 3), WHOLE)
    np.testing.assert_array_equal(frames, decode(silent, WHOLE)[1])
    np.testing.assert_allclose(header.time, np.arange(N) / FPS, atol=1e-3)


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("name", ["short.mp4", "short.webm"])
def test_a_video_of_one_or_two_frames_is_decoded_and_refused(tmp_path, provenance, n, name):
    codec = "libx264" if name.endswith("mp4") else "libvpx-vp9"
    path = write_video(tmp_path / name, moving(n=n), codec)
    header, frames = decode(path, WHOLE)
    np.testing.assert_array_equal(frames, of_opencv(path))
    assert header.video.n_frames == n
    used = {"first": 0, "step": None, "count": None, "width": None, "jpeg": False, "rate": 10}
    message = rf"{name}: {n} frames, of which 1 are used \(one in \d+, from 0\) \(at least 3"
    with pytest.raises(InputError, match=message):
        extract_frames(tmp_path / "frames.h5", path, provenance, **used, crop=None)


def cut(path, part):
    """The file without its end; an MP4 must say in its front what it holds."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    return path


@pytest.mark.parametrize("part", [0.6, 0.8])
@pytest.mark.parametrize("name", ["h264.mp4", "mpeg4.avi", "vp8.webm", "vp9.webm", "jitter9.webm"])
def test_a_video_without_its_end_is_refused(tmp_path, name, part):
    codec, settings = (KINDS | JITTERY)[name]
    times = JITTER_MS if name in JITTERY else None
    path = write_video(tmp_path / f"whole_{name}", moving(), codec, times_ms=times, **settings)
    if name == "h264.mp4":
        path = copy_stream(path, tmp_path / name, movflags="faststart")
    with pytest.raises(InputError, match=r"(expected .* only .*|frames) can(not)? be decoded"):
        decode(cut(path, part), range(3))


def test_frames_lost_in_the_middle_are_noticed(tmp_path):
    """What follows would have other indices. The last one or two do not matter."""
    path = write_video(
        tmp_path / "lossless.avi", moving(), "ffv1", pixels="bgr0", options={"g": "1"}
    )
    with av.open(str(path)) as file:
        places = [(packet.pos, packet.size) for packet in file.demux(video=0) if packet.size]

    def blank(*lost):
        content = bytearray(path.read_bytes())
        for frame in lost:
            start, size = places[frame]
            content[start + 8 : start + 8 + size] = bytes(size)
        (tmp_path / "lost.avi").write_bytes(content)
        return tmp_path / "lost.avi"

    with pytest.raises(InputError, match=r"lost.avi: 1 frames cannot be decoded .*copy or downl"):
        decode(blank(12), WHOLE)
    header, frames = decode(blank(N - 1), WHOLE)
    np.testing.assert_array_equal(frames, moving()[:-1])
    assert header.video.n_frames == N - 1
    with pytest.raises(InputError, match="expected 30 frames, only 27 can be decoded"):
        decode(blank(N - 3, N - 2, N - 1), WHOLE)


def test_damaged_pictures_are_named_in_the_log(tmp_path, caplog):
    path = write_video(tmp_path / "video.avi", moving(), "mpeg4", options={"g": "1"})
    with av.open(str(path)) as file:
        places = [(packet.pos, packet.size) for packet in file.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    start, size = places[9]
    content[start + size // 2 : start + size] = b"\x55" * (size - size // 2)
    path.write_bytes(content)
    header, _ = decode(path, WHOLE)
    assert header.video.n_frames == N
    assert "video.avi: damaged pictures in frames [9]" in caplog.text


def test_a_stream_without_times_is_refused(tmp_path):
    path = write_video(tmp_path / "raw.h264", moving(), "libx264")
    with pytest.raises(InputError, match=r"raw.h264: a stream without times .*frame rate"):
        decode(path, WHOLE)


def test_a_video_that_changes_its_size_is_refused(tmp_path):
    """Streams of two sizes, one after the other, as a broadcast has them."""
    large = write_video(tmp_path / "large.ts", moving(n=5), "libx264", options={"bf": "0"})
    later = write_video(tmp_path / "small.ts", moving(48, 32, 5), "libx264", options={"bf": "0"})
    later = copy_stream(later, tmp_path / "later.ts", later=Fraction(1))
    both = tmp_path / "both.ts"
    both.write_bytes(large.read_bytes() + later.read_bytes())
    with pytest.raises(InputError, match=r"both.ts: frame 5 is 48 x 32 px, the first 96 x 64"):
        decode(both, range(10))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("text.mp4", "no video " * 100, "text.mp4: no video that can be opened"),
        ("empty.webm", "", "empty.webm: no video that can be opened"),
        (
            "titles.srt",
            "1\n00:00:00,4 --> 00:00:02,8\nHere\n",
            "titles.srt: a file without a video",
        ),
    ],
)
def test_what_is_no_video_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        decode(tmp_path / name, WHOLE)


@pytest.mark.parametrize("name", ["-dash.mp4", 'it\'s "it" {x} %d *.mp4', "é 走る.mp4", "#?&.mp4"])
def test_any_name_will_do(tmp_path, monkeypatch, name):
    (tmp_path / "clips").mkdir()
    monkeypatch.chdir(tmp_path / "clips")
    write_video(tmp_path / "video.mp4", moving(n=3), "libx264").rename(tmp_path / name)
    assert decode(Path("..") / name, WHOLE)[0].video.n_frames == 3
    monkeypatch.chdir(tmp_path)
    assert decode(Path(name), WHOLE)[0].video.n_frames == 3


def test_a_video_that_the_machine_does_not_let_be_read_is_no_bad_video(tmp_path, monkeypatch):
    path = write_video(tmp_path / "video.mp4", moving(n=3), "libx264")

    def refuse(*_, **__):
        raise av.error.PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("av.open", refuse)
    monkeypatch.setattr("hashlib.file_digest", refuse)
    with pytest.raises(FlowposeError, match=r"video.mp4: cannot be read: Permission denied \(look"):
        decode(path, WHOLE)


def test_names_with_colons_and_tags_in_any_encoding_do_no_harm(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "pipe:1.mp4", moving(), "libx264")
    path = Path("pipe:1.mp4")
    content = path.read_bytes()
    assert content.count(b"VideoHandler") == 1
    path.write_bytes(content.replace(b"VideoHandler", b"Vid\xe9oHandle\xff"))
    assert decode(path, WHOLE)[0].video.n_frames == N
