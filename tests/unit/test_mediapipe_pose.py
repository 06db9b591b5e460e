"""MediaPipe Pose as a program in another environment; here a package that sees white px."""

import sys
from pathlib import Path

import numpy as np
import pytest
from video_files import write_video

import code_digest
from flowpose.errors import FlowposeError, InputError
from flowpose.estimators.mediapipe_pose import estimate_landmarks
from flowpose.readers.mediapipe import MEDIAPIPE_33

TESTS = Path(__file__).parents[1]
F, SIZE = 5, (64, 48)
# Where a white px is in each frame; None: it is dark.
SPOTS = [(10, 20), (11, 21), None, (40, 30), (63, 47)]


@pytest.fixture
def video(tmp_path):
    def write(spots, **options):
        pictures = np.zeros((len(spots), SIZE[1], SIZE[0], 3), np.uint8)
        for picture, spot in zip(pictures, spots, strict=True):
            if spot:
                picture[spot[1], spot[0]] = 255
        return write_video(tmp_path / "walk.mkv", pictures, "ffv1", pixels="yuv444p", **options)

    return write


@pytest.fixture
def python(tmp_path):
    """Stands for the Python of MediaPipe's environment: it runs some lines instead, if given."""

    def write(code=None):
        program = [
            f"#!{sys.executable}",
            "import runpy, sys",
            "assert sys.argv.pop(1) == '-I'",
            "sys.argv.pop(0)",
            f"sys.path.insert(0, {str(TESTS)!r})",
            "import fake_mediapipe",
            "sys.modules['mediapipe'] = fake_mediapipe",
            code or "runpy.run_path(sys.argv[0], run_name='__main__')",
        ]
        path = tmp_path / "environment" / "bin" / "python"
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(program))
        path.chmod(0o755)
        return path

    return write


def test_landmarks_are_px_and_metres_of_every_frame(video, python, caplog):
    """Before the first, it sees those that follow it, backwards."""
    caplog.set_level("INFO")
    found = estimate_landmarks(video(SPOTS), python(), crop=None)
    expected = np.full((F, 33, 2), np.nan)
    for frame, spot in enumerate(SPOTS):
        expected[frame] = spot or np.nan
    np.testing.assert_allclose(found.joints_2d, expected, atol=1e-5)
    np.testing.assert_allclose(found.joints_3d[..., :2], expected)
    # After these four each is looked at once, in order.
    seen = [frame for frame in range(F) if SPOTS[frame]]
    assert found.joints_3d[seen, 0, 2].tolist() == [4 + frame + 1 for frame in seen]
    assert found.confidence[:, 7].tolist() == [0.5, 0.5, 0, 0.5, 0.5]
    assert found.skeleton.joints == MEDIAPIPE_33.joints
    assert found.image_size == SIZE
    assert found.estimator == "MediaPipe 0.fake (Apache 2.0), Pose, model full"
    assert found.estimator in caplog.text
    assert "somebody was found in 4 of 5 frames" in caplog.text
    assert "a word at stdout\na word at stderr" in caplog.text


def test_only_the_crop_is_looked_at(video, python):
    found = estimate_landmarks(video(SPOTS), python(), crop=(8, 16, 20, 30))
    assert found.joints_2d[:2, 0].round(4).tolist() == [[10, 20], [11, 21]]
    assert np.isnan(found.joints_2d[2:]).all() and (found.confidence[2:] == 0).all()
    assert found.image_size == SIZE


@pytest.mark.parametrize(
    ("part", "frames"),
    [
        ({"start": 0.3}, range(3, 30)),
        ({"end": 1.2}, range(12)),
        ({"start": 0.4, "end": 2.05}, range(4, 21)),
    ],
)
def test_only_the_part_from_start_to_end_is_looked_at(video, python, caplog, part, frames):
    """Here of 30 frames, 10 a second; nothing is said of the others."""
    caplog.set_level("INFO")
    path = video([(10 + n, 20) for n in range(30)], fps=10)
    found = estimate_landmarks(path, python(), crop=None, **part)
    expected = np.full((30, 33, 2), np.nan)
    expected[frames] = np.array([(10 + n, 20) for n in frames])[:, None]
    np.testing.assert_allclose(found.joints_2d, expected, atol=1e-5)
    assert np.isfinite(found.joints_3d).all((1, 2)).tolist() == [n in frames for n in range(30)]
    assert (found.confidence[:, 0] > 0).tolist() == [n in frames for n in range(30)]
    # In order, after the ten that follow the first.
    order = found.joints_3d[frames, 0, 2]
    assert order.tolist() == [10 + n + 1 for n in range(len(frames))]
    assert f"somebody was found in {len(frames)} of {len(frames)} frames" in caplog.text


def test_a_part_beyond_the_end_is_refused(video, python):
    path = video([(10, 20)] * 20, fps=10)
    message = "walk.mkv: no frame from frames.start to frames.end: the last is shown at 1.90 s"
    with pytest.raises(InputError, match=message):
        estimate_landmarks(path, python(), crop=None, start=5)


def test_a_crop_beyond_the_picture_is_refused(video, python):
    with pytest.raises(InputError, match=r"walk.mkv: the crop reaches to \(68, 48\)"):
        estimate_landmarks(video(SPOTS), python(), crop=(48, 28, 20, 20))


def test_a_video_without_anybody_is_refused(video, python):
    message = r"walk.mkv: MediaPipe finds nobody in any of 3 frames \(is a person to be seen"
    with pytest.raises(InputError, match=message):
        estimate_landmarks(video([None] * 3), python(), crop=None)


def test_an_environment_that_is_gone_is_to_be_made_again(video, tmp_path):
    message = "environment cannot be used: No such file .*delete .*/environment, and run snake"
    with pytest.raises(FlowposeError, match=message):
        estimate_landmarks(video(SPOTS), tmp_path / "environment/bin/python", crop=None)


@pytest.mark.parametrize(
    "before",
    ["", 'print(\'{"version": "1", "joints": ["nose"]}\', flush=True)\n'],
    ids=["at once", "while it works"],
)
def test_a_program_that_ends_early_is_an_error_with_its_last_words(video, python, before):
    broken = python(f"{before}sys.exit('libGL.so is missing')")
    message = "MediaPipe ended early, with status 1; its last words:\nlibGL.so is missing"
    with pytest.raises(FlowposeError, match=message) as error:
        estimate_landmarks(video(SPOTS), broken, crop=None)
    assert not isinstance(error.value, InputError)


def test_a_damaged_video_ends_the_program_too(video, python):
    path = video(SPOTS * 20)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match=r"walk.mkv: .*truncated or damaged"):
        estimate_landmarks(path, python(), crop=None)


def test_an_edit_of_the_program_runs_it_again_and_one_of_a_reader_does_not():
    counted = code_digest._closure([code_digest.SCRIPTS / "estimate_landmarks.py"])
    names = {path.relative_to(code_digest.SCRIPTS).as_posix() for path in counted}
    assert "flowpose/estimators/mediapipe_child.py" in names
    assert not [name for name in names if name.startswith("flowpose/readers/")]
