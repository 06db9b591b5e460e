import pytest
import torch

from flowpose.devices import choose_device
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
