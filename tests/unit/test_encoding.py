"""Videos that browsers play."""

import av
import numpy as np
import pytest

from flowpose.video.decoding import open_video
from flowpose.video.encoding import create_video

COLOURS = [(213, 94, 0), (0, 114, 178), (255, 255, 255), (0, 0, 0), (130, 130, 130)]


def write(path, times, pictures, fps=30000 / 1001):
    with create_video(path, pictures[0].shape[1::-1], fps, title="walk") as video:
        for picture, start, end in zip(pictures, times[:-1], times[1:], strict=True):
            video.add(picture, start, end)
    return path


def test_pictures_come_back_at_their_times_in_their_colours(tmp_path):
    """Two at 29.97 a second, then a gap; the last one for a tenth of a second."""
    times = [0, 1001 / 30000, 2002 / 30000, 0.5, 0.75, 0.85]
    pictures = [np.full((48, 64, 3), colour, np.uint8) for colour in COLOURS]
    path = write(tmp_path / "video.mp4", times, pictures)
    with open_video(path) as video:
        found = [picture for _, picture in video.pictures(range(9))]
        np.testing.assert_allclose(video.times, times[:-1], atol=1 / 240_000)
    assert video.size == (64, 48) and len(found) == 5
    np.testing.assert_allclose(np.int16(found), np.int16(pictures), atol=4)
    with av.open(str(path)) as file:
        (stream,) = file.streams
        assert (stream.codec.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert float(stream.duration * stream.time_base) == pytest.approx(0.85, abs=1e-4)
        # BT.601's matrix: without a word of it, players take large pictures for BT.709's.
        assert stream.codec_context.colorspace in (5, 6)
        assert file.metadata["title"] == "walk"
    # A browser begins before it has all.
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize("fps", [24, 25, 24000 / 1001, 60000 / 1001, 120])
def test_an_even_rate_is_exact(tmp_path, fps):
    times = np.arange(8) / fps
    pictures = [np.zeros((16, 16, 3), np.uint8)] * 7
    with av.open(str(write(tmp_path / "video.mp4", times.tolist(), pictures, fps))) as file:
        stream = file.streams.video[0]
        assert float(stream.average_rate) == pytest.approx(fps, rel=1e-9) and stream.frames == 7


def test_what_is_not_finished_leaves_nothing(tmp_path):
    with (
        pytest.raises(ValueError, match="no more"),
        create_video(tmp_path / "video.mp4", (16, 16), 25, title=""),
    ):
        raise ValueError("no more")
    assert not list(tmp_path.iterdir())
