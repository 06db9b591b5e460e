"""Raw files of Human3.6M: all kinds give the same, and what is something else is named."""

import tarfile

import h5py
import numpy as np
import pytest
from human36m_files import (
    ACTIONS,
    GOLDEN,
    POSITIONS,
    add_member,
    raw,
    write_cdf,
    write_mat,
    write_subject,
    write_tgz,
)

from flowpose.datasets.human36m.raw_files import read_raw
from flowpose.errors import InputError

KINDS = (".cdf", ".cdf.mat", ".h5")
DEEP = "MyPoseFeatures/D3_Positions"


def assert_golden(positions):
    assert sorted(positions) == sorted(ACTIONS)
    for action, joints in positions.items():
        assert joints.dtype == np.float32
        np.testing.assert_array_equal(joints, POSITIONS["S9"][action])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_gives_what_videopose3d_makes_of_it(tmp_path, kind):
    folder = write_subject(tmp_path / "S9", kind)
    assert_golden(read_raw(folder, "S9"))
    deep = folder / ("MyPoses/3D_positions" if kind == ".h5" else DEEP)
    assert_golden(read_raw(deep, "S9"))


def test_the_official_archive_is_read_without_being_unpacked(tmp_path):
    folder = write_subject(tmp_path / "unpacked", ".cdf")
    archive = write_tgz(tmp_path / "Poses_D3_Positions_S9.tgz", folder)
    before = sorted(tmp_path.rglob("*"))
    assert_golden(read_raw(archive, "S9"))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_compressed_cdf_is_read(tmp_path):
    write_cdf(tmp_path / "Walking.cdf", raw("S9", "Walking"), compressed=6)
    joints = read_raw(tmp_path, "S9")["Walking"]
    np.testing.assert_array_equal(joints, POSITIONS["S9"]["Walking"])


def test_actions_get_the_names_of_the_labels(tmp_path):
    for name in ("TakingPhoto 1", "WalkingDog"):
        write_cdf(tmp_path / f"{name}.cdf", raw("S9", "Walking"))
    assert sorted(read_raw(tmp_path, "S9")) == ["Photo 1", "WalkDog"]
    write_cdf(tmp_path / "Photo 1.cdf", raw("S9", "Walking"))
    with pytest.raises(InputError, match="Photo 1 is there twice"):
        read_raw(tmp_path, "S9")


def test_matlab_files_beside_the_cdf_files_change_nothing(tmp_path):
    folder = write_subject(tmp_path / "S9", ".cdf")
    write_mat(folder / DEEP / "Walking.cdf.mat", raw("S11", "Walking"))
    assert_golden(read_raw(folder, "S9"))


@pytest.mark.parametrize(
    ("columns", "what"),
    [(64, r"64: positions in the picture \(D2_Positions\)"), (78, "78: joint angles"), (51, "51")],
)
@pytest.mark.parametrize("kind", [".cdf", ".cdf.mat"])
def test_other_poses_are_refused_by_name(tmp_path, columns, what, kind):
    write = write_cdf if kind == ".cdf" else write_mat
    write(tmp_path / f"Walking.60457274{kind}", np.ones((5, columns), np.float32))
    with pytest.raises(InputError, match=rf"Walking.60457274{kind}: expected 96 .* found {what}"):
        read_raw(tmp_path, "S9")


def test_positions_in_a_cameras_frame_are_refused(tmp_path):
    seen = 1000 * GOLDEN["cam3d_32/S9/Walking/3"].reshape(-1, 96)
    write_cdf(tmp_path / "mono" / "Walking.60457274.cdf", raw("S9", "Walking"))
    with pytest.raises(InputError, match="positions in the frame of camera 60457274"):
        read_raw(tmp_path / "mono", "S9")
    write_cdf(tmp_path / "renamed" / "Walking.cdf", seen)
    with pytest.raises(InputError, match=r"Walking.cdf: positions in a camera's frame .*mono"):
        read_raw(tmp_path / "renamed", "S9")


@pytest.mark.parametrize("factor", [0.001, 0.1, 10])
def test_another_unit_is_named(tmp_path, factor):
    write_cdf(tmp_path / "Walking.cdf", np.float32(factor * raw("S9", "Walking") + 20))
    with pytest.raises(InputError, match=r"Walking.cdf: somebody whose joints span .*in mm"):
        read_raw(tmp_path, "S9")


def test_another_variable_is_named(tmp_path):
    write_cdf(tmp_path / "Walking.cdf", raw("S9", "Walking"), variable="Angles")
    with pytest.raises(InputError, match=r"Walking.cdf: expected a variable Pose, found Angles"):
        read_raw(tmp_path, "S9")


def test_another_dataset_is_named(tmp_path):
    with h5py.File(tmp_path / "Walking.h5", "w") as h5:
        h5["2D_positions"] = np.zeros((64, 5))
    with pytest.raises(InputError, match="expected a dataset 3D_positions, found 2D_positions"):
        read_raw(tmp_path, "S9")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [0, 0.1, 0.6])
def test_a_truncated_file_is_named(tmp_path, kind, part):
    folder = write_subject(tmp_path, kind)
    path = next(folder.rglob(f"Walking{kind}"))
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(InputError, match=rf"Walking{kind}: cannot be read: .*truncated"):
        read_raw(folder, "S9")


@pytest.mark.parametrize("part", [0, 0.5])
def test_a_truncated_archive_is_named(tmp_path, part):
    archive = write_tgz(tmp_path / "S9.tgz", write_subject(tmp_path / "S9", ".cdf"))
    content = archive.read_bytes()
    archive.write_bytes(content[: int(part * len(content))])
    with pytest.raises(InputError, match=r"S9.tgz: cannot be read: .*truncated"):
        read_raw(archive, "S9")


def test_a_value_that_is_not_finite_is_named(tmp_path):
    values = raw("S9", "Walking").copy()
    values[3, 7] = np.nan
    write_cdf(tmp_path / "Walking.cdf", values)
    with pytest.raises(InputError, match=r"Walking.cdf: values that are not finite"):
        read_raw(tmp_path, "S9")


def test_a_folder_without_positions_and_a_missing_one_are_named(tmp_path):
    with pytest.raises(InputError, match=r"no 3D positions: expected \*\.cdf, \*\.cdf\.mat"):
        read_raw(tmp_path, "S9")
    with pytest.raises(InputError, match=r"none: no such file or folder"):
        read_raw(tmp_path / "none", "S9")


def test_files_of_another_subject_are_refused(tmp_path):
    folder = write_subject(tmp_path / "S9", ".cdf")
    with pytest.raises(InputError, match="expected files of S11, these are of S9"):
        read_raw(folder, "S11")
    with pytest.raises(InputError, match=r"a.tgz: .*expected files of S11, these are of S9"):
        read_raw(write_tgz(tmp_path / "a.tgz", folder), "S11")


@pytest.fixture
def archive(tmp_path):
    """An archive of the members that are added to it."""
    (tmp_path / "in").mkdir()
    with tarfile.open(tmp_path / "in" / "a.tgz", "w:gz") as opened:
        yield opened


@pytest.mark.parametrize(
    "name", [f"../S9/{DEEP}/Walking.cdf", f"/S9/{DEEP}/Walking.cdf", f"S9/../{DEEP}/Walking.cdf"]
)
def test_a_member_that_leads_out_of_the_archive_is_refused(tmp_path, archive, name):
    add_member(archive, name, b"x")
    archive.close()
    with pytest.raises(InputError, match="refused: a link, or a path that leads out"):
        read_raw(tmp_path / "in" / "a.tgz", "S9")
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "a.tgz"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_a_member_that_is_no_file_is_refused(tmp_path, archive, kind):
    member = tarfile.TarInfo(f"S9/{DEEP}/Walking.cdf")
    member.type, member.linkname = kind, "/etc/passwd"
    archive.addfile(member)
    archive.close()
    with pytest.raises(InputError, match="refused: a link"):
        read_raw(tmp_path / "in" / "a.tgz", "S9")


def test_a_member_too_large_is_refused(tmp_path, archive, monkeypatch):
    monkeypatch.setattr("flowpose.datasets.human36m.raw_files._LARGEST_MEMBER", 100)
    add_member(archive, f"S9/{DEEP}/Walking.cdf", bytes(101))
    archive.close()
    with pytest.raises(InputError, match="refused: 101 bytes, too large"):
        read_raw(tmp_path / "in" / "a.tgz", "S9")


def test_an_archive_of_something_else_is_named(tmp_path, archive):
    add_member(archive, "S9/MyPoseFeatures/D2_Positions/Walking.60457274.cdf", b"x")
    archive.close()
    with pytest.raises(InputError, match=r"expected S9/MyPoseFeatures/D3_Positions/\*\.cdf in it"):
        read_raw(tmp_path / "in" / "a.tgz", "S9")
