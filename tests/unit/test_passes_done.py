"""An interrupted finetuning goes on where it was, with the same numbers to the last bit."""

import logging
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torchvision.models.optical_flow import raft_large, raft_small

from flowpose.adaptation import passes_done
from flowpose.adaptation.finetuning import FlowOptions, finetune_toward_pose
from flowpose.adaptation.passes_done import PassesDone, PassesFile
from flowpose.adaptation.target import blocks_target
from flowpose.raft.checkpoint import place_raft
from flowpose.raft.inference import estimate_flows

SIDE, N_FRAMES = 128, 4
OPTIONS = FlowOptions(updates=2, passes=3, learning_rate=1e-4)
BELONGS_TO = {"threads": 1, "inputs": {"frames.h5": "d1gest"}}
BUILDERS = {"small": raft_small, "large": raft_large}


class InterruptionError(Exception):
    """As a job that is killed."""


@pytest.fixture(scope="module")
def video():
    """Frames, fields to draw on, and what a pose draws."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (N_FRAMES, SIDE + 16, SIDE, 3), np.uint8)
    flows = rng.normal(0, 2, (N_FRAMES - 1, SIDE + 16, SIDE, 2)).astype(np.float32)
    joints = rng.uniform(40, 90, (14, 2)) + 2.0 * np.arange(N_FRAMES)[:, None, None]
    return frames, flows, blocks_target(joints, flows.shape[1:3], radius=4)


def network(device, size="small", precision="exact"):
    torch.manual_seed(0)
    return place_raft(BUILDERS[size]().eval(), device, precision=precision)


class Steps:
    """Counts the steps of finetuning; interrupts the work before one of them."""

    def __init__(self, interrupted=None):
        self.interrupted, self.n = interrupted, 0

    def __call__(self, order):
        # The reference's estimates of the flow to draw on are no steps.
        return self.counted(order) if isinstance(order, range) else order

    def counted(self, order):
        for n in order:
            if n == self.interrupted:
                raise InterruptionError
            self.n += 1
            yield n


@pytest.mark.parametrize(
    ("size", "change", "mode", "steps_a_pass"),
    [
        ("small", {}, {}, 3),
        ("large", {"updates": 1}, {"reference": True}, 3),
        ("large", {"updates": 1, "precision": "fast"}, {}, 3),
        (
            "small",
            {"pairs_per_step": 2, "gradient_updates": 1, "frozen_encoders": True},
            {},
            2,
        ),
        ("small", {"low_memory": True, "person_margin": 5, "learning_rate_decay": True}, {}, 3),
    ],
)
def test_going_on_gives_what_no_interruption_gives(
    tmp_path, video, device, size, change, mode, steps_a_pass
):
    """Interrupted in the second of three passes."""
    if device.type == "cuda":
        if mode:
            pytest.skip("on a GPU the gradient of torchvision's lookups has no fixed order")
        # Nor has that of the small one's upsampling.
        size = "large"
    options = replace(OPTIONS, **change)

    def run(steps, **how):
        model = network(device, size, options.precision)
        losses = finetune_toward_pose(model, *video, options=options, progress=steps, **mode, **how)
        flow = estimate_flows(model, video[0], updates=1, precision=options.precision)
        return model.state_dict(), losses, np.stack(list(flow))

    whole = run(Steps())
    file = PassesFile(tmp_path / "passes", BELONGS_TO)
    with pytest.raises(InterruptionError):
        run(Steps(interrupted=steps_a_pass + 1), save=file.write)
    start = file.read()
    assert start.losses.shape == (1, N_FRAMES - 1)
    left = Steps()
    resumed = run(left, start=start, save=file.write)
    assert left.n == 2 * steps_a_pass
    # What was kept last is all of it: nothing but the flow is left to be done then.
    last = file.read()
    assert last.losses.shape == (3, N_FRAMES - 1)
    again = run(Steps(interrupted=0), start=last)
    for weights, losses, flow in (resumed, again):
        assert all(torch.equal(value, whole[0][name]) for name, value in weights.items())
        np.testing.assert_array_equal(losses, whole[1])
        np.testing.assert_array_equal(flow, whole[2])


@pytest.mark.parametrize("mode", [{}, {"reference": True}])
def test_nothing_is_drawn_at_random(video, mode):
    """Or what is drawn would have to be kept as well."""
    model = network(torch.device("cpu"), "large")
    before = torch.get_rng_state()
    numpys = np.random.get_state()[1].copy()  # noqa: NPY002
    options = replace(OPTIONS, updates=1, passes=1)
    finetune_toward_pose(model, *video, options=options, **mode)
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpys).all()  # noqa: NPY002


@pytest.fixture
def kept(tmp_path):
    """A file with the passes of a network of one weight."""
    weight = torch.nn.Parameter(torch.linspace(0, 1, 50))
    adam = torch.optim.Adam([weight], fused=True)
    weight.sum().backward()
    adam.step()
    file = PassesFile(tmp_path / "passes", BELONGS_TO)
    file.write(PassesDone({"weight": weight.detach()}, adam.state_dict(), torch.rand(2, 3)))
    return tmp_path / "passes"


def test_passes_are_of_use_to_the_same_finetuning_only(kept, caplog):
    assert PassesFile(kept, BELONGS_TO).read() is not None
    with caplog.at_level(logging.INFO):
        for other in ({**BELONGS_TO, "threads": 2}, {"threads": 1}, {}):
            assert PassesFile(kept, other).read() is None
            assert "is of other inputs, settings or code" in caplog.messages[-1]


def test_a_finished_finetuning_leaves_nothing(kept):
    file = PassesFile(kept, BELONGS_TO)
    file.remove()
    file.remove()
    assert not list(kept.parent.iterdir())
    assert file.read() is None


def test_damage_is_never_gone_on_from(kept, caplog):
    """Truncated anywhere, or with any byte flipped: as it was, or not used, and the log says so."""
    whole = kept.read_bytes()
    expected = PassesFile(kept, BELONGS_TO).read()
    rng = random.Random(0)
    damaged = [whole[: rng.randrange(len(whole))] for _ in range(20)]
    for place in [*rng.sample(range(len(whole)), 200), *range(len(whole) - 100, len(whole))]:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << rng.randrange(8)
        damaged.append(bytes(flipped))
    refused = 0
    for content in damaged:
        kept.write_bytes(content)
        caplog.clear()
        found = PassesFile(kept, BELONGS_TO).read()
        if found is None:
            refused += 1
            assert str(kept) in caplog.messages[-1]
        else:
            assert torch.equal(found.weights["weight"], expected.weights["weight"])
            assert torch.equal(found.losses, expected.losses)
            assert found.adam["param_groups"] == expected.adam["param_groups"]
            for name, value in expected.adam["state"][0].items():
                assert torch.equal(found.adam["state"][0][name], value)
    assert refused > 20


def test_code_in_the_file_is_not_run(kept, tmp_path, caplog):
    class Evil:
        def __reduce__(self):
            return (tmp_path.joinpath("made").touch, ())

    torch.save({"weights": Evil()}, kept)
    assert PassesFile(kept, BELONGS_TO).read() is None
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("write")])
def test_a_disk_that_takes_no_passes_is_no_reason_to_stop(kept, monkeypatch, caplog, error):
    file = PassesFile(kept, BELONGS_TO)
    done = file.read()

    def refuse(*_):
        raise error

    monkeypatch.setattr(passes_done.torch, "save", refuse)
    file.write(done)
    assert "an interruption would cost the passes so far" in caplog.text
    # Those of the pass before are still there.
    assert torch.equal(file.read().losses, done.losses)
    assert list(kept.parent.iterdir()) == [kept]
