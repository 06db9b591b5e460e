import pytest
import torch

from flowpose.devices import choose_device, memory_shortage_explained, prepare
from flowpose.errors import FlowposeError


@pytest.mark.parametrize(
    ("device", "found", "chosen"),
    [
        ("auto", False, "cpu"),
        ("auto", True, "cuda"),
        ("cpu", True, "cpu"),
        ("cpu", False, "cpu"),
        ("cuda", True, "cuda"),
    ],
)
def test_the_gpu_is_taken_where_there_is_one(monkeypatch, device, found, chosen):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: found)
    assert choose_device(device).type == chosen


def test_a_gpu_that_is_asked_for_must_be_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(FlowposeError, match="device: cuda is asked for, but PyTorch sees no GPU"):
        choose_device("cuda")


def test_a_gpu_that_is_too_small_is_told_what_helps():
    message = r"memory is too small: Tried to allocate 9 GiB \(set flow.low_memory to true"
    with pytest.raises(FlowposeError, match=message), memory_shortage_explained():
        raise torch.OutOfMemoryError("Tried to allocate 9 GiB\nand more")


@pytest.mark.parametrize("fast", [True, False])
def test_rounding_is_allowed_only_where_it_may_be_fast(fast):
    threads = torch.get_num_threads()
    prepare(threads, fast=fast)
    assert torch.backends.cuda.matmul.allow_tf32 == fast
    assert torch.backends.cudnn.allow_tf32 == fast
    prepare(threads)
    assert not torch.backends.cuda.matmul.allow_tf32
