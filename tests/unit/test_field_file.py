import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from flowpose.errors import InputError
from flowpose.flow.field_file import open_flows
from flowpose.flow.field_writing import write_flows
from flowpose.storage import stage_files

SHAPE = (3, 4, 5)
DEFAULTS = {"lossless": False, "precision": "exact", "device": "cpu"}


def round_trip(path, provenance, flows, **options):
    """The flows as read, and the unit of each field."""
    write_flows(path, flows, flows.shape[:3], provenance, **DEFAULTS | options)
    with open_flows(path) as reader, stage_files.opened(path) as h5:
        return np.stack([reader[t] for t in range(len(reader))]), stage_files.read(h5, "flow_unit")


@pytest.fixture
def flows(rng):
    return rng.normal(0, 20, (*SHAPE, 2)).astype(np.float32)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(arrays.arrays(np.float32, (*SHAPE, 2), elements=st.floats(-255, 255, width=32)))
def test_flow_is_kept_to_half_a_128th_of_a_pixel(tmp_path, provenance, flows):
    again, units = round_trip(tmp_path / "flow.h5", provenance, flows)
    assert again.dtype == np.float32
    assert np.abs(again.astype(np.float64) - flows).max() <= 1 / 256
    assert (units == 1 / 128).all()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.floats(1, 20000))
@example(32767 / 128)
def test_large_flow_is_kept_in_the_finest_unit_that_fits(tmp_path, provenance, largest):
    flows = np.zeros((*SHAPE, 2))
    flows[1] = np.linspace(-largest, largest, 40).reshape(4, 5, 2)
    again, units = round_trip(tmp_path / "flow.h5", provenance, flows)
    assert units[0] == units[2] == 1 / 128
    assert np.abs(again - flows).max() <= units[1] / 2
    assert largest <= units[1] * 32767
    assert units[1] == 1 / 128 or largest > units[1] / 2 * 32767


def test_lossless_flow_comes_back_as_it_was(tmp_path, provenance, flows):
    again, units = round_trip(tmp_path / "flow.h5", provenance, flows, lossless=True)
    np.testing.assert_array_equal(again, flows)
    assert (units == 1).all()


def test_fields_can_be_read_one_at_a_time(tmp_path, provenance, flows):
    write_flows(
        tmp_path / "flow.h5", iter(flows), SHAPE, provenance, **DEFAULTS | {"lossless": True}
    )
    with open_flows(tmp_path / "flow.h5") as reader:
        assert len(reader) == 3
        np.testing.assert_array_equal(reader[1], flows[1])
        np.testing.assert_array_equal(np.stack(list(reader)), flows)


@pytest.mark.parametrize("lossless", [False, True])
def test_fields_are_packed_as_hdf5_packs_them(tmp_path, provenance, flows, lossless):
    path = tmp_path / "flow.h5"
    # In the order of memory that RAFT's have.
    fields = np.moveaxis(np.ascontiguousarray(np.moveaxis(flows, 3, 1)), 1, 3)
    write_flows(path, fields, SHAPE, provenance, **DEFAULTS | {"lossless": lossless})
    with h5py.File(path) as h5, h5py.File(tmp_path / "other.h5", "w") as other:
        other.copy(h5["flow"], "flow")
        ours = [h5["flow"].id.read_direct_chunk((t, 0, 0, 0)) for t in range(3)]
        other["flow"][...] = h5["flow"][...]
        other.flush()
        theirs = [other["flow"].id.read_direct_chunk((t, 0, 0, 0)) for t in range(3)]
    assert ours == theirs


def test_the_file_tells_its_precision_and_device(tmp_path, provenance, flows):
    round_trip(tmp_path / "flow.h5", provenance, flows, precision="fast", device="NVIDIA H200")
    with stage_files.opened(tmp_path / "flow.h5") as h5, open_flows(tmp_path / "flow.h5") as reader:
        assert reader.precision == "fast"
        assert stage_files.text(h5, "device") == "NVIDIA H200"


def test_loss_is_kept(tmp_path, provenance, flows):
    loss = np.arange(6.0).reshape(2, 3)
    round_trip(tmp_path / "flow.h5", provenance, flows, loss=loss)
    with stage_files.opened(tmp_path / "flow.h5") as h5:
        np.testing.assert_array_equal(stage_files.read(h5, "loss", (2, 3)), loss)


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_flow_that_is_not_finite_is_refused(tmp_path, provenance, flows, bad, lossless):
    flows[1, 2, 3, 0] = bad
    options = DEFAULTS | {"lossless": lossless}
    with pytest.raises(InputError, match=r"flow.h5: the flow of pair 1 is not finite .*lower"):
        write_flows(tmp_path / "flow.h5", flows, SHAPE, provenance, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_field_is_noticed_when_it_is_read(tmp_path, provenance, flows):
    path = tmp_path / "flow.h5"
    write_flows(path, flows, SHAPE, provenance, **DEFAULTS)
    with h5py.File(path) as h5:
        chunk = h5["flow"].id.get_chunk_info(2)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + 9] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"flow.h5: damaged"), open_flows(path) as reader:
        assert reader[0].shape == (4, 5, 2)
        reader[2]
