"""TRC and C3D: markers for OpenSim and the tools of movement laboratories."""

import dataclasses

import ezc3d
import numpy as np
import pandas as pd
import pytest
from test_pose_exports import HEADER, INDEX, files

from flowpose.errors import InputError
from flowpose.exports import pose_bvh, pose_c3d, pose_trc
from flowpose.exports.exported_pose import read_exported_pose
from flowpose.pose.skeletons import METRO_14

Y_UP = np.array([1, -1, -1])


@pytest.fixture
def exported(tmp_path, walk, provenance):
    return read_exported_pose(*files(tmp_path, walk, provenance))


def test_trc_is_a_table_below_five_lines(tmp_path, exported, walk):
    path = tmp_path / "pose.trc"
    pose_trc.write(path, exported)
    head = [line.split("\t") for line in path.read_text().splitlines()[:6]]
    assert head[0] == ["PathFileType", "4", "(X/Y/Z)", "pose.trc"]
    said = dict(zip(head[1], head[2], strict=True))
    assert (said["NumFrames"], said["NumMarkers"], said["Units"]) == ("6", "14", "m")
    assert float(said["DataRate"]) == pytest.approx(10)
    assert tuple(filter(None, head[3])) == ("Frame#", "Time", *METRO_14.joints)
    # A marker's name stands over its first coordinate.
    for j, joint in enumerate(METRO_14.joints):
        assert head[3][2 + 3 * j] == joint and head[4][2 + 3 * j] == f"X{j + 1}"
    table = pd.read_csv(path, sep="\t", skiprows=6, header=None)
    np.testing.assert_array_equal(table[0], np.arange(1, 7))
    np.testing.assert_allclose(table[1], INDEX / 50)
    found = table.iloc[:, 2:44].to_numpy().reshape(6, 14, 3)
    np.testing.assert_allclose(found, walk * Y_UP, atol=1e-6)


def test_c3d_is_what_another_library_reads(tmp_path, exported, walk):
    pose_c3d.write(tmp_path / "pose.c3d", exported)
    found = ezc3d.c3d(str(tmp_path / "pose.c3d"))
    points = found["data"]["points"][:3].transpose(2, 1, 0)
    np.testing.assert_allclose(points, 1000 * walk * Y_UP, atol=1e-3)
    group = found["parameters"]["POINT"]
    names = ("LABELS", "UNITS", "RATE", "FRAMES", "X_SCREEN", "Y_SCREEN")
    said = {name: group[name]["value"] for name in names}
    assert tuple(said["LABELS"]) == METRO_14.joints and said["UNITS"] == ["mm"]
    assert said["RATE"][0] == pytest.approx(10) and said["FRAMES"][0] == 6
    assert (said["X_SCREEN"], said["Y_SCREEN"]) == (["+X"], ["+Y"])


@pytest.mark.parametrize("module", [pose_bvh, pose_trc, pose_c3d])
def test_a_video_without_times_is_refused_where_a_rate_is_needed(tmp_path, exported, module):
    timeless = dataclasses.replace(HEADER, time=np.zeros(6))
    with pytest.raises(InputError, match=r"pose\.x: the video has no times .*pose\.csv"):
        module.write(tmp_path / "pose.x", dataclasses.replace(exported, header=timeless))


def test_the_log_tells_how_far_frames_are_from_even(tmp_path, exported, caplog):
    caplog.set_level("INFO")
    time = HEADER.time + np.array([0, 0.013, 0, 0, 0, 0])
    uneven = dataclasses.replace(exported, header=dataclasses.replace(HEADER, time=time))
    pose_trc.write(tmp_path / "pose.trc", uneven)
    assert "10 frames a second, which are shown up to 13.0 ms off" in caplog.text
    table = pd.read_csv(tmp_path / "pose.trc", sep="\t", skiprows=6, header=None)
    np.testing.assert_allclose(table[1], time)
