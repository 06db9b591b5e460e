import copy
from dataclasses import asdict, replace

import numpy as np
import psutil
import pytest
import torch
from torch.nn.functional import smooth_l1_loss
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torchvision.models.optical_flow import raft_large, raft_small

from flowpose.adaptation.finetuning import FlowOptions, finetune, finetune_toward_pose
from flowpose.adaptation.target import blocks_target, body_target, draw_skeleton
from flowpose.pose.pose_file import Pose
from flowpose.pose.weak_perspective import Crop
from flowpose.raft.inference import estimate_flows
from flowpose.raft.padding import Window, as_images

SIDE = 128
OPTIONS = FlowOptions(updates=2, passes=2, learning_rate=1e-4)
ZEROS = np.zeros((2, SIDE, SIDE, 2), np.float32)


def drawn(flow, joints, **options):
    drawing = draw_skeleton(*joints, flow.shape[:2], **options)
    return drawing.over(torch.as_tensor(flow)).numpy()


@pytest.fixture(scope="module")
def frames():
    """Three frames of coarse noise that moves to the right by 3 px a frame."""
    noise = np.random.default_rng(0).integers(0, 255, (SIDE // 8, SIDE // 8 + 2, 3), np.uint8)
    picture = noise.repeat(8, 0).repeat(8, 1)
    return np.stack([picture[:, 9 - 3 * t : 9 - 3 * t + SIDE] for t in range(3)])


@pytest.fixture
def model(device):
    torch.manual_seed(0)
    return raft_small().eval().to(device)


def estimate(model, frames):
    return np.stack(list(estimate_flows(model, frames, updates=2)))


def buffers(model):
    return {name: value.clone() for name, value in model.named_buffers()}


def batch_norm_has_learnt(model, before):
    return any(not torch.equal(value, before[name]) for name, value in model.named_buffers())


@pytest.fixture
def with_batch_norm(device):
    """The large RAFT's context encoder has BatchNorm."""
    torch.manual_seed(0)
    return raft_large().eval().to(device)


def test_finetuned_flow_is_closer_to_the_target(model, frames):
    before = estimate(model, frames)
    targets = before + np.float32([0.3, -0.2])
    options = FlowOptions(updates=2, passes=2, learning_rate=1e-6)
    losses = finetune(model, frames, targets, options=options)
    after = estimate(model, frames)
    assert losses.shape == (2, 2)
    distance = np.abs(before - targets).mean(), np.abs(after - targets).mean()
    assert distance[1] < 0.8 * distance[0]
    assert (losses[1] < losses[0]).all()


def test_finetuning_is_a_step_of_adam_a_pair(model, frames, device):
    """As a plain loop over torchvision's forward pass takes them."""
    targets = estimate(model, frames) + np.float32([0.3, -0.2])
    other, losses = copy.deepcopy(model), []
    adam = torch.optim.Adam(other.parameters(), lr=1e-6)
    images = as_images(torch.as_tensor(frames).permute(0, 3, 1, 2))[:, None].to(device)
    for t in (0, 1, 0, 1):
        flow = other(images[t], images[t + 1], num_flow_updates=2)[-1]
        loss = smooth_l1_loss(flow[0], torch.tensor(targets[t], device=device).permute(2, 0, 1))
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    options = FlowOptions(updates=2, passes=2, learning_rate=1e-6)
    finetuned = finetune(model, frames, targets, options=options)
    np.testing.assert_allclose(finetuned.ravel(), losses, rtol=1e-3)


def test_loss_is_the_mean_smooth_l1_distance_before_the_step(model, frames):
    before = estimate(model, frames)
    targets = before + np.float32([0.5, 3])
    losses = finetune(model, frames, targets, options=OPTIONS)
    assert losses[0, 0] == pytest.approx((0.5 * 0.5**2 + 2.5) / 2, rel=1e-4)


class Asked:
    """Fields of zeros that remember which were asked for."""

    def __init__(self):
        self.order = []

    def __len__(self):
        return 2

    def __getitem__(self, t):
        self.order.append(t)
        return np.zeros((SIDE, SIDE, 2), np.float32)


def test_targets_are_read_pair_after_pair_pass_after_pass(model, frames):
    targets = Asked()
    finetune(model, frames, targets, options=OPTIONS)
    assert targets.order == [0, 1, 0, 1]


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_only_one_thread_reads_ahead(model, frames, two_threads):
    """Threads of torch's own for it would cost as much as all of the speed gained."""
    process, counted = psutil.Process(), []

    def count(steps):
        for step in steps:
            counted.append(process.num_threads())
            yield step

    for _ in range(2):  # those that compute are there after the first
        before = process.num_threads()
        finetune(model, frames, ZEROS, options=OPTIONS, progress=count)
    assert max(counted) <= before + 1


def test_defaults_are_the_papers():
    paper = {"updates": 20, "passes": 8, "learning_rate": 1e-5, "precision": "exact"}
    paper |= {"learning_rate_decay": False, "knee": 1.0}
    # As the paper knows nothing of them.
    off = dict.fromkeys(("low_memory", "frozen_encoders"), False)
    off |= {"gradient_updates": None, "pairs_per_step": 1, "person_margin": None}
    assert asdict(FlowOptions()) == paper | off


def test_every_parameter_takes_adams_first_step(model, frames):
    """That is the learning rate, against the sign of the gradient, wherever there is one."""
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    options = FlowOptions(updates=2, passes=1, learning_rate=1e-4)
    targets = estimate(model, frames) + np.float32([0.3, -0.2])
    finetune(model, frames[:2], targets, options=options)
    for name, value in model.named_parameters():
        step = (value.detach() - before[name]).abs()
        assert 0 < step.max() <= 1.01e-4, name


@pytest.mark.parametrize(
    ("mode", "learns"), [({}, False), ({"reference": False}, False), ({"reference": True}, True)]
)
def test_finetuning_lets_batch_norm_learn_in_reference_mode_only(
    with_batch_norm, frames, mode, learns
):
    before = buffers(with_batch_norm)
    options = FlowOptions(updates=1, passes=1)
    finetune(with_batch_norm, frames[:2], ZEROS[:1], options=options, **mode)
    assert batch_norm_has_learnt(with_batch_norm, before) == learns
    assert not with_batch_norm.training


@pytest.fixture
def joints():
    """A skeleton in the middle of three frames that moves by (2, 1) px a frame."""
    start = np.random.default_rng(0).uniform(40, 90, (14, 2))
    return (start + np.arange(3)[:, None, None] * np.array([2, 1])).astype(np.float32)


def blocks(joints, reference=False):
    return blocks_target(joints, (SIDE, SIDE), radius=6, reference=reference)


@pytest.mark.parametrize("reference", [False, True])
def test_pose_is_drawn_over_the_flow(model, frames, joints, reference):
    """The first loss is the distance of the model's flow from itself with the skeleton over it.

    The small RAFT has no BatchNorm, so that its flow in reference mode is the same.
    """
    flows = estimate(model, frames)
    losses = finetune_toward_pose(
        model, frames, flows, blocks(joints, reference), options=OPTIONS, reference=reference
    )
    target = drawn(flows[0], joints[:2], radius=6, reference=reference)
    distance = np.abs(target.astype(np.float64) - flows[0])
    expected = np.where(distance < 1, 0.5 * distance**2, distance - 0.5).mean()
    assert losses.shape == (2, 2)
    assert losses[0, 0] == pytest.approx(expected, rel=1e-4)


def test_reference_mode_estimates_the_flow_to_draw_on_anew(model, frames, joints):
    wrong = np.full((1, SIDE, SIDE, 2), 99, np.float32)
    options = FlowOptions(updates=2, passes=1)
    losses = [
        finetune_toward_pose(
            model,
            frames[:2],
            wrong,
            blocks(joints[:2], reference),
            options=options,
            reference=reference,
        )[0, 0]
        for reference in (True, False)
    ]
    assert losses[0] < 10 < losses[1]


@pytest.mark.parametrize(("mode", "batches"), [({}, 0), ({"reference": True}, 1 + 2)])
def test_in_reference_mode_batch_norm_learns_before_and_while_finetuning(
    with_batch_norm, frames, joints, mode, batches
):
    """One pair: a forward pass to estimate the flow to draw on, and one each of two passes."""
    flows = np.zeros((1, SIDE, SIDE, 2), np.float32)
    options = FlowOptions(updates=1, passes=2)
    pair = frames[:2], flows, blocks(joints[:2], **mode)
    finetune_toward_pose(with_batch_norm, *pair, options=options, **mode)
    seen = {v.item() for k, v in with_batch_norm.named_buffers() if k.endswith("batches_tracked")}
    assert seen == {batches}


def test_steps_can_be_of_several_pairs(model, frames):
    """The first losses are those before any step; the sum of the gradients is one step."""
    options = replace(OPTIONS, passes=1)
    alone = [
        finetune(copy.deepcopy(model), frames[t : t + 2], ZEROS[:1], options=options)[0, 0]
        for t in (0, 1)
    ]
    seen = []
    losses = finetune(
        model,
        frames,
        ZEROS,
        options=replace(options, pairs_per_step=4),
        progress=lambda steps: seen.extend(steps) or steps,
    )
    assert seen == [0]
    np.testing.assert_allclose(losses, [alone], rtol=1e-5)


def test_encoders_can_be_left_as_they_are(model, frames):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    options = replace(OPTIONS, passes=1, frozen_encoders=True)
    finetune(model, frames[:2], ZEROS[:1], options=options)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]) == ("encoder." in name and "motion" not in name)
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("change", [{"low_memory": True}, {"precision": "fast"}])
def test_result_hardly_depends_on_how_it_is_computed(model, frames, change):
    targets = estimate(model, frames) + np.float32([0.3, -0.2])
    other = copy.deepcopy(model)
    options = FlowOptions(updates=2, passes=1, learning_rate=1e-6)
    losses = finetune(model, frames, targets, options=options)
    changed = finetune(other, frames, targets, options=replace(options, **change))
    np.testing.assert_allclose(changed, losses, rtol=0.1 if "precision" in change else 1e-5)


def test_beyond_the_knee_a_residual_counts_linearly(model, frames):
    """Residuals of 3 px and of 0.25 px, a knee of 0.5 px: 3 - 0.25, and 0.25 squared over 1."""
    estimated = estimate(model, frames[:2])
    options = replace(OPTIONS, passes=1, knee=0.5)
    target = estimated + np.float32([3, 0.25])
    losses = finetune(model, frames[:2], target, options=options)
    assert losses[0, 0] == pytest.approx((2.75 + 0.0625) / 2, rel=1e-4)


@pytest.mark.parametrize(("decay", "shares"), [(False, [1, 1, 1, 1]), (True, [1, 0.75, 0.5, 0.25])])
def test_the_learning_rate_falls_over_all_passes_if_asked_to(model, frames, decay, shares):
    rates = []
    hook = register_optimizer_step_pre_hook(
        lambda adam, *_: rates.append(adam.param_groups[0]["lr"])
    )
    finetune(model, frames, ZEROS, options=replace(OPTIONS, learning_rate_decay=decay))
    hook.remove()
    np.testing.assert_allclose(rates, OPTIONS.learning_rate * np.array(shares))


def test_progress_is_shown_for_every_step(model, frames):
    seen = []

    def progress(steps):
        for step in steps:
            seen.append(step)
            yield step

    finetune(model, frames, ZEROS, options=OPTIONS, progress=progress)
    assert seen == [0, 1, 2, 3]


def test_a_person_in_large_frames_is_all_that_is_looked_at(model, frames):
    """Finetuned on windows, or on frames that were cut to these before: the same."""
    large = np.pad(frames, ((0, 0), (15, 9), (30, 20), (0, 0)), mode="symmetric")
    shape = large.shape[1:3]
    flows = np.zeros((2, *shape, 2), np.float32)
    joints = np.random.default_rng(0).uniform((60, 50), (120, 110), (3, 14, 2))
    joints = joints + 2.0 * np.arange(3)[:, None, None]
    options = replace(OPTIONS, passes=1, person_margin=10)
    other = copy.deepcopy(model)
    pose = blocks_target(joints, shape, radius=4)
    losses = finetune_toward_pose(model, large, flows, pose, options=options)
    window = Window.around(joints[:2].reshape(-1, 2), 14, *shape)
    cut = (slice(None), window.rows, window.columns)
    target = drawn(flows[0], joints[:2], radius=4)
    options = replace(options, person_margin=None)
    alone = finetune(other, large[:2][cut], target[cut[1:]][None], options=options)
    assert large[cut].shape == (3, 128, 128, 3)
    np.testing.assert_array_equal(losses[:, :1], alone)


def test_frames_without_an_estimate_leave_their_neighbours_window(model, frames, body, device):
    """Of the pair (0, 1) the joints of frame 0 tell where to look, of (1, 2) nothing does."""
    large = np.concatenate([np.pad(frames, ((0, 0), (15, 9), (30, 20), (0, 0)), mode="edge")] * 2)
    crop = Crop.whole_image(6, *large.shape[2:0:-1])
    pose = Pose(np.tile(body, (6, 1, 1)), np.tile([0.5, 0, 0], (6, 1)), crop, missing=(1, 2))
    target = body_target(pose, large.shape[1:3])
    options = replace(OPTIONS, passes=1, person_margin=10)
    flows = np.zeros((5, *large.shape[1:3], 2), np.float32)
    other = copy.deepcopy(model)
    losses = finetune_toward_pose(model, large, flows, target, options=options)
    window = Window.around(target.joints[0], target.reach + 10, *large.shape[1:3])
    windows = [window, None, *[window] * 3]
    expected = finetune(
        other,
        large,
        flows,
        drawing=target.drawing,
        window=lambda pairs: windows[pairs.start],
        options=options,
    )
    assert window.columns.stop - window.columns.start < large.shape[2]
    # On a GPU the gradient of the small one's upsampling has no fixed order.
    np.testing.assert_allclose(losses, expected, rtol=0 if device.type == "cpu" else 1e-3)
