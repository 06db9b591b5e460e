"""The frames of a page: all of them, none larger than it may be."""

import cv2
import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.pictures.small_frames import (
    encoded,
    fitting_side,
    read_small_frames,
    write_small_frames,
)
from flowpose.storage import stage_files


def decoded(jpeg):
    return cv2.cvtColor(
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB
    )


def test_all_frames_are_there_and_look_as_they_were(tmp_path, provenance):
    colours = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200]], np.uint8)
    frames = np.tile(colours[:, None, None], (1, 480, 800, 1))
    with stage_files.create(tmp_path / "frames.h5", provenance) as h5:
        stage_files.add(h5, "frames", frames, axes="frame row column rgb")
    write_small_frames(tmp_path / "small.h5", tmp_path / "frames.h5", provenance)
    small = read_small_frames(tmp_path / "small.h5")
    assert small.size == (800, 480)
    for jpeg, colour in zip(small.jpegs, colours, strict=True):
        picture = decoded(jpeg)
        assert picture.shape == (384, 640, 3)
        assert np.abs(picture.astype(int) - colour).max() < 6


def test_small_frames_keep_their_size(rng):
    frame = rng.integers(0, 255, (20, 30, 3), dtype=np.uint8)
    assert decoded(encoded(frame, 640)).shape == (20, 30, 3)


def test_the_more_frames_the_smaller_they_are(rng):
    frame = rng.integers(0, 255, (360, 640, 3), dtype=np.uint8)
    sizes = {side: len(encoded(frame, side)) for side in (640, 400, 240, 160)}
    for side, size in sizes.items():
        assert fitting_side([frame] * 9, 9 * size) == side
    assert fitting_side([frame] * 9, 9 * sizes[400] - 9) == 320
    assert fitting_side([frame] * 9, 1) == 160


def test_damage_is_named(tmp_path, provenance):
    with stage_files.create(tmp_path / "small.h5", provenance):
        pass
    with pytest.raises(InputError, match=r"small\.h5: jpegs: no such dataset"):
        read_small_frames(tmp_path / "small.h5")
