from collections import Counter

import numpy as np
import pytest
import torch

from flowpose.adaptation import pairs as training_pairs
from flowpose.adaptation.pairs import TrainingPairs
from flowpose.adaptation.target import Drawing
from flowpose.raft.padding import Window

HEIGHT, WIDTH = 130, 150
CPU = torch.device("cpu")


class Recorded:
    """Items that count how often each is read."""

    def __init__(self, items):
        self._items, self.reads = items, Counter()

    def __len__(self):
        return len(self._items)

    def __getitem__(self, t):
        self.reads[t] += 1
        return self._items[t]


@pytest.fixture
def frames(rng):
    return rng.integers(0, 256, (4, HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture
def targets(rng):
    return rng.normal(0, 1, (3, HEIGHT, WIDTH, 2)).astype(np.float32)


def test_batches_hold_images_and_targets_of_their_pairs(frames, targets, device):
    batch, single = TrainingPairs(frames, targets, device).batches([range(2), range(2, 3)])
    assert batch.images.shape == (3, 3, 136, 152)
    padding = batch.padding
    inner = np.s_[..., padding.above : 136 - padding.below, padding.left : 152 - padding.right]
    scaled = (batch.images[inner].permute(0, 2, 3, 1).cpu().numpy() + 1) / 2 * 255
    np.testing.assert_allclose(scaled, frames[:3], atol=1e-4)
    np.testing.assert_array_equal(batch.targets.permute(0, 2, 3, 1).cpu(), targets[:2])
    np.testing.assert_array_equal(single.targets[0].permute(1, 2, 0).cpu(), targets[2])


def test_a_window_is_cut_from_images_and_from_targets_with_what_is_drawn(frames, targets, device):
    window = Window(slice(1, 129), slice(7, 143))
    block = np.full((HEIGHT, WIDTH), -1, np.int16)
    block[60:70, 20:30] = 0
    drawing = Drawing(block, np.float32([[5, 6]]))
    options = {"drawing": lambda _: drawing, "window": lambda _: window}
    pairs = TrainingPairs(frames, targets, device, **options)
    (batch,) = pairs.batches([range(1, 2)])
    wanted = targets[1].copy()
    wanted[60:70, 20:30] = 5, 6
    assert batch.images.shape[2:] == batch.targets.shape[2:] == (128, 136)
    np.testing.assert_array_equal(batch.targets[0].permute(1, 2, 0).cpu(), wanted[1:129, 7:143])
    pixel = (batch.images[1, :, 0, 0].cpu().numpy() + 1) / 2 * 255
    np.testing.assert_allclose(pixel, frames[2, 1, 7], atol=1e-4)


@pytest.mark.parametrize(
    ("room", "keep", "reads"), [(True, True, 1), (True, False, 2), (False, True, 2)]
)
def test_a_gpu_with_room_reads_all_once(frames, targets, device, monkeypatch, room, keep, reads):
    monkeypatch.setattr(training_pairs, "_has_room", lambda *_: room)
    order = [range(t, t + 1) for t in (0, 1, 2)] * 2
    expected = list(TrainingPairs(frames, targets, device, keep=False).batches(order))
    frames, targets = Recorded(frames), Recorded(targets)
    batches = list(TrainingPairs(frames, targets, device, keep=keep).batches(order))
    # The first frame is also asked for its size.
    assert {t: frames.reads[t] for t in (1, 2, 3)} == dict.fromkeys((1, 2, 3), reads)
    assert targets.reads == dict.fromkeys(range(3), reads)
    for batch, wanted in zip(batches, expected, strict=True):
        assert torch.equal(batch.images, wanted.images)
        assert torch.equal(batch.targets, wanted.targets)


@pytest.mark.parametrize(("free", "room"), [(8001, True), (8000, False)])
def test_a_sequence_has_room_in_an_eighth_of_what_is_free(monkeypatch, free, room):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, 10**6))
    assert training_pairs._has_room(torch.device("cuda"), 1000) == room
    assert not training_pairs._has_room(CPU, 1000)
