import re

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torchvision.models.optical_flow import raft as torchvision_raft
from torchvision.models.optical_flow import raft_large, raft_small

from flowpose.errors import InputError
from flowpose.raft.checkpoint import load_raft, save_raft, torchvision_key
from flowpose.raft.inference import batch_norm_training, estimate_flow, estimate_flows
from flowpose.raft.padding import Padding, as_images

BUILDERS = {"raft_large": raft_large, "raft_small": raft_small}

# One entry of every kind in princeton-vl's raft-things.pth and raft-small.pth.
KEYS = {
    "module.fnet.conv1.weight": "feature_encoder.convnormrelu.0.weight",
    "module.fnet.layer1.0.conv2.bias": "feature_encoder.layer1.0.convnormrelu2.0.bias",
    "module.fnet.layer2.0.downsample.0.weight": "feature_encoder.layer2.0.downsample.0.weight",
    "module.fnet.conv2.weight": "feature_encoder.conv.weight",
    "module.cnet.norm1.running_mean": "context_encoder.convnormrelu.1.running_mean",
    "module.cnet.layer3.1.norm2.weight": "context_encoder.layer3.1.convnormrelu2.1.weight",
    "module.cnet.layer2.0.downsample.1.bias": "context_encoder.layer2.0.downsample.1.bias",
    "module.cnet.layer2.0.norm3.bias": None,
    "module.cnet.layer2.0.norm4.bias": None,
    "fnet.layer3.0.conv3.weight": "feature_encoder.layer3.0.convnormrelu3.0.weight",
    "update_block.encoder.convc2.bias": "update_block.motion_encoder.convcorr2.0.bias",
    "update_block.encoder.convf1.weight": "update_block.motion_encoder.convflow1.0.weight",
    "update_block.encoder.conv.weight": "update_block.motion_encoder.conv.0.weight",
    "update_block.gru.convz1.weight": "update_block.recurrent_block.convgru1.convz.weight",
    "update_block.gru.convq2.bias": "update_block.recurrent_block.convgru2.convq.bias",
    "update_block.gru.convr.bias": "update_block.recurrent_block.convgru1.convr.bias",
    "update_block.flow_head.conv2.weight": "update_block.flow_head.conv2.weight",
    "update_block.mask.0.weight": "mask_predictor.convrelu.0.weight",
    "update_block.mask.2.bias": "mask_predictor.conv.bias",
}


def princeton_key(key, small):
    """The name in princeton-vl's checkpoints of an entry of torchvision's."""
    net, _, rest = key.partition(".")
    kind = {"0": "conv", "1": "norm"}
    if net in ("feature_encoder", "context_encoder"):
        net = {"feature_encoder": "fnet", "context_encoder": "cnet"}[net]
        rest = re.sub(r"^convnormrelu\.([01])", lambda m: kind[m[1]] + "1", rest)
        rest = re.sub(r"^conv\.", "conv2.", rest)
        rest = re.sub(r"convnormrelu(\d)\.([01])", lambda m: kind[m[2]] + m[1], rest)
        return f"module.{net}.{rest}"
    if net == "mask_predictor":
        return "module.update_block.mask." + rest.replace("convrelu.0", "0").replace("conv.", "2.")
    rest = re.sub(r"motion_encoder\.convcorr(\d)\.0", r"encoder.convc\1", rest)
    rest = re.sub(r"motion_encoder\.convflow(\d)\.0", r"encoder.convf\1", rest)
    rest = rest.replace("motion_encoder.conv.0", "encoder.conv")
    gru = r"gru.conv\2" if small else r"gru.conv\2\1"
    return "module.update_block." + re.sub(r"recurrent_block\.convgru(\d)\.conv([zrq])", gru, rest)


def princeton_checkpoint(size, seed=0):
    """A model with random weights, and its state as princeton-vl would have saved it."""
    torch.manual_seed(seed)
    model = BUILDERS[size]()
    state = {
        princeton_key(key, size == "raft_small"): value for key, value in model.state_dict().items()
    }
    # They store the norm of a shortcut a second time, as a part of the block.
    shortcut = "norm4" if size == "raft_small" else "norm3"
    twice = {k.replace("downsample.1", shortcut): v for k, v in state.items()}
    return model, state | twice


def assert_same_state(model, other):
    state, expected = model.state_dict(), other.state_dict()
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[key], expected[key]) for key in expected)


@pytest.fixture
def saved(tmp_path):
    """Saves something with torch and returns the path."""

    def save(content):
        torch.save(content, tmp_path / "raft.pth")
        return tmp_path / "raft.pth"

    return save


@pytest.mark.parametrize("key", KEYS)
def test_princeton_names_become_torchvision_names(key):
    assert torchvision_key(key) == KEYS[key]


@pytest.mark.parametrize("size", BUILDERS)
def test_princeton_checkpoints_load(saved, size):
    model, state = princeton_checkpoint(size)
    loaded = load_raft(saved(state), size)
    assert_same_state(loaded, model)
    assert not loaded.training


@pytest.mark.parametrize("size", BUILDERS)
def test_torchvision_checkpoints_load(saved, size):
    model, _ = princeton_checkpoint(size)
    assert_same_state(load_raft(saved(model.state_dict()), size), model)


def test_saved_checkpoints_load(tmp_path):
    model, _ = princeton_checkpoint("raft_small")
    save_raft(model, tmp_path / "raft.pt")
    assert_same_state(load_raft(tmp_path / "raft.pt", "raft_small"), model)
    assert [path.name for path in tmp_path.iterdir()] == ["raft.pt"]


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none.pth: no such file .*flow.weights"):
        load_raft(tmp_path / "none.pth", "raft_large")


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 no checkpoint"])
def test_a_file_of_something_else_is_named(tmp_path, content):
    (tmp_path / "raft.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"raft.pth: no RAFT checkpoint"):
        load_raft(tmp_path / "raft.pth", "raft_large")


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {"state": {"a": torch.zeros(1)}}])
def test_a_checkpoint_of_no_tensors_is_named(saved, content):
    with pytest.raises(InputError, match=r"raft.pth: no RAFT checkpoint: not a dictionary of"):
        load_raft(saved(content), "raft_large")


class Malicious:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_code_in_a_checkpoint_is_not_run(saved, tmp_path):
    path = saved({"fnet.conv1.weight": Malicious(str(tmp_path / "run"))})
    with pytest.raises(InputError, match=r"raft.pth: no RAFT checkpoint that can be read"):
        load_raft(path, "raft_large")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("size", "other"), [tuple(BUILDERS), tuple(BUILDERS)[::-1]])
def test_a_checkpoint_of_the_other_size_is_named(saved, size, other):
    _, state = princeton_checkpoint(other)
    message = rf"raft.pth: expected weights of {size}, found those of {other} .*model to {other}"
    with pytest.raises(InputError, match=message):
        load_raft(saved(state), size)


def test_a_checkpoint_of_another_network_is_named(saved):
    with pytest.raises(InputError, match=r"raft.pth: no RAFT checkpoint: 0 of the 106 tensors"):
        load_raft(saved({"weight": torch.zeros(1)}), "raft_small")


def test_a_checkpoint_with_a_tensor_of_another_shape_is_named(saved):
    state = raft_small().state_dict()
    state["feature_encoder.conv.bias"] = torch.zeros(3)
    with pytest.raises(InputError, match=r"raft.pth: no RAFT checkpoint: 105 of the 106"):
        load_raft(saved(state), "raft_small")


def test_weights_that_are_not_finite_are_named(saved):
    state = raft_small().state_dict()
    state["feature_encoder.conv.bias"][0] = torch.nan
    with pytest.raises(InputError, match=r"raft.pth: weights that are not finite"):
        load_raft(saved(state), "raft_small")


def random_images(height, width, device, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, 3, height, width, generator=generator).to(device) * 2 - 1


def random_model(size, device):
    return princeton_checkpoint(size)[0].eval().to(device)


@pytest.mark.parametrize("size", BUILDERS)
def test_flow_is_that_of_torchvision(device, size):
    model = random_model(size, device)
    images = random_images(128, 136, device)
    with torch.no_grad():
        flow = estimate_flow(model, images, updates=3)
        expected = model(images[:1], images[1:], num_flow_updates=3)[-1]
    assert flow.shape == (1, 2, 128, 136)
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(flow, expected, rtol=0, atol=1e-4)


@pytest.fixture
def in_float64(monkeypatch):
    """Lets torchvision's RAFT run in float64; it makes its coordinates in float32."""
    grid = torchvision_raft.make_coords_grid
    monkeypatch.setattr(torchvision_raft, "make_coords_grid", lambda *size: grid(*size).double())


def gradients(flow, parameters):
    return torch.autograd.grad(flow.square().mean(), parameters)


@pytest.mark.parametrize("size", BUILDERS)
@pytest.mark.parametrize("low_memory", [False, True])
def test_gradient_is_that_of_torchvision(in_float64, device, size, low_memory):
    model = random_model(size, device).double()
    images = random_images(128, 136, device).double()
    parameters = list(model.parameters())
    flow = estimate_flow(model, images, updates=3, low_memory=low_memory)
    ours = gradients(flow, parameters)
    theirs = gradients(model(images[:1], images[1:], num_flow_updates=3)[-1], parameters)
    # Biases in front of a norm have no true gradient.
    noise = 1e-14 * sum(gradient.norm() for gradient in theirs)
    for gradient, wanted in zip(ours, theirs, strict=True):
        assert (gradient - wanted).norm() <= 1e-10 * wanted.norm() + noise


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_gradient_can_be_that_of_the_last_updates(device, precision):
    """With the context's share left out: it is the same in all updates."""
    # On a GPU the gradient of the small one's upsampling has no fixed order.
    model = random_model({"cpu": "raft_small", "cuda": "raft_large"}[device.type], device)
    images = random_images(128, 136, device)
    head = list(model.update_block.flow_head.parameters())
    encoder = list(model.update_block.motion_encoder.parameters())
    found = {}
    for last in (None, 3, 2, 1):
        flow = estimate_flow(model, images, updates=3, precision=precision, gradient_updates=last)
        found[last] = gradients(flow, [*head, *encoder])
    for gradient, *others in zip(*found.values(), strict=True):
        assert torch.equal(gradient, others[0])
        assert gradient.norm() > 0
        assert all(other.norm() > 0 for other in others)
    # The flow is that of the last update's head, whatever the gradient flows through.
    for gradient, other in zip(found[None][:4], found[1][:4], strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-3, atol=1e-5)
    assert not torch.allclose(found[None][4], found[1][4], rtol=1e-2)


def test_fast_precision_is_near_exact(device):
    model = random_model("raft_large", device)
    images = random_images(128, 136, device)
    parameters = list(model.update_block.parameters())
    flow, gradient = {}, {}
    for precision in ("exact", "fast"):
        flow[precision] = estimate_flow(model, images, updates=2, precision=precision)
        gradient[precision] = torch.cat(
            [part.flatten() for part in gradients(flow[precision], parameters)]
        )
    assert flow["fast"].dtype == torch.float32
    difference = (flow["fast"] - flow["exact"]).abs().mean()
    assert 0 < difference < 0.02 * flow["exact"].abs().mean()
    assert torch.cosine_similarity(gradient["fast"], gradient["exact"], dim=0) > 0.999


@pytest.mark.parametrize(
    ("height", "width", "pad"),
    [(131, 138, (3, 3, 2, 3)), (130, 128, (0, 0, 3, 3)), (40, 136, (0, 0, 44, 44))],
)
def test_frames_are_padded_at_both_sides_with_their_border_and_flow_is_cut_out(
    rng, device, height, width, pad
):
    """To multiples of 8 and at least 128; the odd pixel goes right and below."""
    model = random_model("raft_small", device)
    frames = rng.integers(0, 255, (2, height, width, 3), np.uint8)
    left, right, above, below = pad
    assert Padding.of(height, width) == Padding(*pad)
    padded = np.pad(frames, ((0, 0), (above, below), (left, right), (0, 0)), mode="edge")
    assert not padded.shape[1] % 8
    assert not padded.shape[2] % 8
    (flow,) = estimate_flows(model, frames, updates=1)
    (expected,) = estimate_flows(model, padded, updates=1)
    inner = expected[above : above + height, left : left + width]
    np.testing.assert_allclose(flow, inner, rtol=0, atol=1e-5)


@pytest.fixture
def frames(rng):
    return rng.integers(0, 255, (3, 128, 128, 3), np.uint8)


def test_flow_is_estimated_for_every_pair_in_order(frames, device):
    model = random_model("raft_small", device)
    flows = list(estimate_flows(model, frames, updates=2))
    assert len(flows) == 2
    images = as_images(torch.as_tensor(frames).permute(0, 3, 1, 2))[:, None].to(device)
    for t, flow in enumerate(flows):
        with torch.no_grad():
            expected = model(images[t], images[t + 1], num_flow_updates=2)[-1][0].cpu()
        assert flow.dtype == np.float32
        np.testing.assert_allclose(flow, expected.permute(1, 2, 0), atol=1e-4)


@pytest.mark.parametrize(("mode", "batches"), [({}, 0), ({"batch_norm_batch": True}, 2)])
def test_estimating_lets_batch_norm_learn_only_where_asked_to(frames, device, mode, batches):
    model = random_model("raft_large", device)
    list(estimate_flows(model, frames, updates=1, **mode))
    seen = {v.item() for k, v in model.named_buffers() if k.endswith("batches_tracked")}
    assert seen == {batches}
    assert not model.training


def test_frames_become_images_from_minus_one_to_one():
    frame = np.zeros((2, 3, 3), np.uint8)
    frame[0, 1] = 255, 0, 51
    image = as_images(torch.as_tensor(frame).permute(2, 0, 1)[None])
    assert image.shape == (1, 3, 2, 3)
    torch.testing.assert_close(image[0, :, 0, 1], torch.tensor([1.0, -1.0, -0.6]))


@pytest.mark.parametrize("training", [False, True])
def test_batch_norm_learns_only_where_it_is_told_to(training):
    model = torch.nn.BatchNorm2d(3).eval()
    with batch_norm_training(model, training):
        model(torch.rand(2, 3, 4, 4) + 5)
    assert (model.running_mean.max() > 0) == training
    assert not model.training


@pytest.mark.parametrize("precision", ["exact", "fast"])
@pytest.mark.parametrize("low_memory", [False, True])
@pytest.mark.parametrize("gradient_updates", [None, 1])
def test_flow_is_computed_on_the_device_of_the_model(
    monkeypatch, precision, low_memory, gradient_updates
):
    """Fake tensors know their device, and refuse to be mixed: no GPU is needed to see that."""
    # bfloat16 asks for a real GPU.
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    with FakeTensorMode():
        with torch.device("cuda"):
            model, images = raft_large().eval(), torch.empty(3, 3, 128, 136)
        flow = estimate_flow(
            model,
            images,
            updates=2,
            precision=precision,
            low_memory=low_memory,
            gradient_updates=gradient_updates,
        )
    assert flow.device.type == "cuda"
    assert flow.shape == (2, 2, 128, 136)
