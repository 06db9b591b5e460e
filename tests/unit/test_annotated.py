"""Joints marked in the picture."""

import numpy as np
import pytest

from flowpose.datasets.annotated import read_labels
from flowpose.errors import InputError

F = 5
NAMES = ("l_wrist", "watch", "head")


@pytest.fixture
def read(tmp_path, rng):
    """Reads a file of annotations, with some of its arrays replaced, or left out where None."""
    arrays = {"joints": np.array(NAMES), "joints_2d": rng.uniform(0, 300, (F, 3, 2))}
    arrays["joints_2d"][2, 1] = np.nan

    def run(**changes):
        kept = {name: value for name, value in (arrays | changes).items() if value is not None}
        np.savez(tmp_path / "marked.npz", **kept)
        return arrays["joints_2d"], read_labels(tmp_path / "marked.npz")

    return run


def test_joints_are_known_in_the_picture_as_marked_and_nowhere_in_space(read):
    marked, labels = read()
    np.testing.assert_array_equal(labels.joints_2d, marked)
    assert labels.skeleton_2d.joints == NAMES
    assert read(joints=np.array(NAMES).astype(bytes))[1].skeleton_2d.joints == NAMES
    assert labels.joints_3d.shape == (F, 14, 3) and np.isnan(labels.joints_3d).all()
    # One that ends before the video's last used frame is of another video.
    assert labels.may_lack == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"joints": None}, "marked.npz: expected an array joints, found joints_2d"),
        ({"joints_2d": None}, "marked.npz: expected an array joints_2d, found joints"),
        ({"joints_2d": np.ones((F, 2, 2))}, r"joints_2d: expected \(frames, 3, 2\) .* \(5, 2, 2\)"),
        ({"joints_2d": np.ones((F, 6))}, r"joints_2d: expected \(frames, 3, 2\) .* \(5, 6\)"),
        ({"joints_2d": np.full((F, 3, 2), "9")}, "joints_2d: expected numbers, found <U1"),
        ({"joints_2d": np.full((F, 3, 2), np.nan)}, "joints_2d: no joint is known"),
        ({"joints_2d": np.full((F, 3, 2), 0.9)}, "fractions of the picture.* Multiply x by"),
        ({"joints": np.array(["a", "head", "a"])}, "joints: a name occurs twice"),
        (
            {"joints": np.array(["left_wrist", "b", "c"])},
            "none of left_wrist, b, c is a joint of the poses .*name those that are: r_ankle, ",
        ),
    ],
)
def test_what_is_wrong_is_named(read, changes, message):
    with pytest.raises(InputError, match=message):
        read(**changes)
