import errno
import json
import os
import re
import stat
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from flowpose.errors import FlowposeError, InputError
from flowpose.storage import stage_files, whole_files
from flowpose.storage.whole_files import damage_named, replacing, sha256
from flowpose.version import __version__


def write(path, provenance, values, axes="frame row column xy"):
    with stage_files.create(path, provenance) as h5:
        stage_files.add(h5, "values", values, axes=axes, unit="px")


def read(path, shape=None):
    with stage_files.opened(path) as h5:
        return stage_files.read(h5, "values", shape)


def names(folder):
    return [path.name for path in folder.iterdir()]


def flip_byte(path, offset):
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x10
    path.write_bytes(content)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    arrays.arrays(
        st.sampled_from([np.uint8, np.int16, np.float32, np.float64, np.bool_]),
        arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
def test_arrays_come_back_as_they_were(tmp_path, provenance, values):
    axes = " ".join("abcd"[: values.ndim])
    write(tmp_path / "a.h5", provenance, values, axes)
    again = read(tmp_path / "a.h5", values.shape)
    assert again.dtype == values.dtype
    np.testing.assert_array_equal(again, values)


def test_a_file_says_what_made_it(tmp_path, provenance):
    write(tmp_path / "a.h5", provenance, np.zeros((2, 3, 4, 2)))
    with h5py.File(tmp_path / "a.h5") as h5:
        assert stage_files.text(h5, "flowpose_version") == __version__
        assert stage_files.text(h5, "stage") == "stage"
        assert stage_files.text(h5, "code") == "c0de"
        assert json.loads(stage_files.text(h5, "threads")) == 4
        assert json.loads(stage_files.text(h5, "parameters")) == {"radius": 15}
        assert json.loads(stage_files.text(h5, "inputs")) == {"in.h5": "d1gest"}
        assert stage_files.text(h5["values"], "axes") == "frame row column xy"
        assert stage_files.text(h5["values"], "unit") == "px"


def test_arrays_are_stored_a_frame_a_chunk_and_guarded(tmp_path, provenance):
    write(tmp_path / "a.h5", provenance, np.zeros((2, 3, 4, 2)))
    with h5py.File(tmp_path / "a.h5") as h5:
        dataset = h5["values"]
        assert dataset.chunks == (1, 3, 4, 2)
        assert (dataset.fletcher32, dataset.shuffle, dataset.compression) == (True, True, "gzip")


def test_small_arrays_are_stored_as_one_chunk(tmp_path, provenance):
    write(tmp_path / "a.h5", provenance, np.zeros((6, 14)), axes="frame joint")
    with h5py.File(tmp_path / "a.h5") as h5:
        assert h5["values"].chunks == (6, 14)
        assert h5["values"].fletcher32


def test_joints_are_named(tmp_path, provenance):
    with stage_files.create(tmp_path / "a.h5", provenance) as h5:
        stage_files.add(h5, "x", np.zeros((1, 2)), axes="frame joint", joints=("l_hip", "r_hip"))
        assert stage_files.joint_names(h5, "x") == ("l_hip", "r_hip")


def test_axes_must_be_as_many_as_the_array_has(tmp_path, provenance):
    with pytest.raises(ValueError, match=r"values: 1 axes named for an array of shape \(2, 3\)"):
        write(tmp_path / "a.h5", provenance, np.zeros((2, 3)), axes="frame")


@pytest.mark.parametrize("shape", [(2, 3, 4, 2), (2, None, None, 2)])
def test_shapes_are_checked_when_read(tmp_path, provenance, shape):
    write(tmp_path / "a.h5", provenance, np.zeros((2, 3, 4, 2)))
    assert read(tmp_path / "a.h5", shape).shape == (2, 3, 4, 2)
    for wrong in ((2, 3, 4), (2, 3, 4, 1), (None, 9, None, None)):
        with pytest.raises(InputError, match=r"a.h5: values: expected shape .* \(2, 3, 4, 2\)"):
            read(tmp_path / "a.h5", wrong)


def test_a_missing_dataset_is_named(tmp_path, provenance):
    with stage_files.create(tmp_path / "a.h5", provenance):
        pass
    with pytest.raises(InputError, match=r"a.h5: values: no such dataset"):
        read(tmp_path / "a.h5")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"missing.h5: no such file"):
        read(tmp_path / "missing.h5")


def test_a_file_that_is_not_hdf5_is_named(tmp_path):
    (tmp_path / "a.h5").write_text("no HDF5")
    with pytest.raises(InputError, match=r"a.h5: damaged: .*delete it"):
        read(tmp_path / "a.h5")


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.999])
@pytest.mark.parametrize("shape", [(3, 8, 8, 2), (40,)])
def test_a_flipped_byte_in_a_chunk_is_noticed(tmp_path, provenance, rng, shape, part):
    path = tmp_path / "a.h5"
    axes = "frame row column xy" if len(shape) == 4 else "frame"
    write(path, provenance, rng.integers(0, 999, shape), axes)
    with h5py.File(path) as h5:
        chunk = h5["values"].id.get_chunk_info(h5["values"].id.get_num_chunks() - 1)
    flip_byte(path, chunk.byte_offset + int(part * chunk.size))
    with pytest.raises(InputError, match=r"a.h5: damaged: .*delete it"):
        read(path)


def test_a_truncated_file_is_noticed(tmp_path, provenance, rng):
    path = tmp_path / "a.h5"
    write(path, provenance, rng.integers(0, 999, (3, 8, 8, 2)))
    os.truncate(path, path.stat().st_size - 100)
    with pytest.raises(InputError, match=r"a.h5: damaged"):
        read(path)


def test_a_writer_that_fails_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="stop"), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("stop")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_what_a_killed_writer_left_is_gone_with_the_next(tmp_path):
    """A job that is killed cannot clean up; its file must not stay for ever."""
    path, left = tmp_path / "a.txt", []
    for text in ("half", "new"):
        with replacing(path) as temporary:
            temporary.write_text(text)
            left.append(temporary)
    left[0].write_text("half")
    with replacing(path) as temporary:
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_stage_that_fails_leaves_nothing(tmp_path, provenance, error):
    with pytest.raises(error), stage_files.create(tmp_path / "a.h5", provenance) as h5:
        stage_files.add(h5, "x", np.zeros(3), axes="frame")
        raise error
    assert names(tmp_path) == []


def test_a_file_appears_only_once_it_is_whole(tmp_path):
    path = tmp_path / "folder" / "folder" / "a.txt"
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        assert temporary.parent == path.parent, "a rename must not cross file systems"
    assert path.read_text() == "new"
    assert names(path.parent) == ["a.txt"]


def test_a_file_is_on_disk_before_it_appears_and_then_its_name(tmp_path, monkeypatch):
    path, synced = tmp_path / "a.txt", []

    def note(descriptor):
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append(("folder" if is_folder else "file", path.exists()))

    monkeypatch.setattr(whole_files.os, "fsync", note)
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert synced == [("file", False), ("folder", True)]


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_file_gets_the_usual_permissions(tmp_path, umask):
    before = os.umask(umask)
    try:
        with replacing(tmp_path / "a.txt") as temporary:
            temporary.write_text("new")
        assert os.umask(umask) == umask, "the process's umask is as it was"
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_failed_stage_tells_its_reason_to_whoever_reads_it(tmp_path, provenance):
    path = tmp_path / "a.h5"
    stage_files.write_failure(path, provenance, "video.mp4: no such video")
    assert stage_files.failure(path) == "video.mp4: no such video"
    with pytest.raises(stage_files.StageError, match=r"^video.mp4: no such video$"):
        read(path)


def test_a_whole_file_has_no_failure_and_a_missing_one_is_an_error(tmp_path, provenance):
    write(tmp_path / "a.h5", provenance, np.zeros((2, 3, 4, 2)))
    assert stage_files.failure(tmp_path / "a.h5") is None
    with pytest.raises(InputError, match=re.escape("b.h5: no such file")):
        stage_files.failure(tmp_path / "b.h5")


def test_sha256_is_that_of_the_content(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(tmp_path / "abc") == digest


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES])
def test_a_disk_that_fails_is_no_damage(tmp_path, monkeypatch, code):
    """HDF5 says the same of both."""
    path = tmp_path / "a.h5"
    path.write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"a\.h5: damaged"), damage_named(path):
        raise OSError("file read failed")

    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "open", fail)
    with (
        pytest.raises(FlowposeError, match=rf"a\.h5: cannot be read: {os.strerror(code)}") as error,
        damage_named(path),
    ):
        raise OSError("file read failed")
    assert not isinstance(error.value, InputError)
