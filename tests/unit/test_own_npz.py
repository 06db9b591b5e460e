import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.pose.skeletons import METRO_14, convert
from flowpose.readers.own_npz import read_detections, read_joints

F = 5
NAMES = [name for name in METRO_14.joints if name not in ("neck", "head")]


@pytest.fixture
def arrays(rng):
    """METRO's joints with ears in the place of neck and head; nobody was found in frame 2."""
    joints = [*NAMES, "nose", "l_ear", "r_ear"]
    world = rng.normal(0, 0.4, (F, len(joints), 3))
    world[2] = np.nan
    return {
        "joints": np.array(joints),
        "joints_2d": 150 * world[..., :2] + 300,
        "joints_3d": world,
        "confidence": rng.uniform(0.1, 1, (F, len(joints))),
    }


@pytest.fixture
def write(arrays, tmp_path):
    """Writes the arrays, with some of them replaced, or left out where None."""

    def run(**changes):
        kept = {name: value for name, value in (arrays | changes).items() if value is not None}
        np.savez(tmp_path / "own.npz", **kept)
        return tmp_path / "own.npz"

    return run


def test_names_may_be_bytes(write, arrays):
    file = write(joints=arrays["joints"].astype(bytes))
    assert read_detections(file).skeleton.joints == tuple(arrays["joints"])


def test_estimates_are_the_arrays(write, arrays):
    detections, joints = read_detections(write()), read_joints(write())
    found = [0, 1, 3, 4]
    assert joints.frames.tolist() == found and joints.camera is None
    np.testing.assert_array_equal(joints.points, arrays["joints_3d"][found])
    np.testing.assert_array_equal(joints.picture, arrays["joints_2d"][found])
    np.testing.assert_array_equal(detections.confidence[found], arrays["confidence"][found])
    assert (detections.confidence[2] == 0).all()
    for read in (detections, joints):
        assert (read.n_frames, read.numbering, read.image_size) == (F, "video", None)
    metro = convert(joints.points, joints.skeleton, METRO_14)
    ears = arrays["joints_3d"][found][:, [-2, -1]]
    np.testing.assert_allclose(metro[:, METRO_14.index["head"]], ears.mean(1))
    assert np.isfinite(metro).all()


def test_what_is_seen_is_sure_where_no_confidence_is_given(write, arrays):
    pixels = arrays["joints_2d"].copy()
    pixels[4, 3, 0] = np.nan
    detections = read_detections(write(confidence=None, joints_3d=None, joints_2d=pixels))
    expected = np.ones((F, len(arrays["joints"])))
    expected[2], expected[4, 3] = 0, 0
    np.testing.assert_array_equal(detections.confidence, expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"joints_3d": None}, "expected an array joints_3d, found joints, joints_2d, confidence"),
        ({"joints": None}, "expected an array joints, found"),
        (
            {"joints_2d": np.zeros((F, 3, 2))},
            r"joints_2d: expected numbers of shape \(5, 15, 2\)",
        ),
        ({"joints_2d": np.zeros(())}, r"joints_2d: expected numbers of shape \(0, 15, 2\), found"),
        ({"joints_3d": np.zeros((4, 15, 3))}, r"joints_3d: expected numbers of shape \(5, 15, 3\)"),
        ({"joints_2d": np.full((F, 15, 2), "a")}, "joints_2d: expected numbers of shape .* <U1 of"),
        ({"confidence": np.ones((F, 15, 1))}, r"confidence: expected numbers of shape \(5, 15\)"),
        ({"confidence": np.full((F, 15), 50)}, "confidence: numbers from 0 to 1 are needed"),
        ({"joints": np.array(["nose"] * 15)}, "joints: a name twice: nose, nose"),
        ({"joints": np.arange(15)}, "joints: none of r_ankle, .*, head is among 0, 1, 2"),
    ],
)
def test_what_does_not_fit_is_named(write, changes, message):
    with pytest.raises(InputError, match=f"own.npz: {message}"):
        read_joints(write(**changes))
