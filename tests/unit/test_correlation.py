from types import SimpleNamespace

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torchvision.models.optical_flow._utils import make_coords_grid
from torchvision.models.optical_flow.raft import CorrBlock

from flowpose.raft.correlation import CorrelationPyramid, _Correlate, _LookUp

CHANNELS, ROWS, COLUMNS = 12, 17, 22


@pytest.fixture
def features(device):
    torch.manual_seed(0)
    drawn = torch.randn(2, 2, CHANNELS, ROWS, COLUMNS, dtype=torch.float64)
    return drawn.to(device).requires_grad_()


@pytest.fixture
def places(device):
    """Where three lookups read: on whole cells, near them, and mostly outside."""
    origin = make_coords_grid(2, ROWS, COLUMNS).double()
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(3, *origin.shape, generator=generator, dtype=torch.float64)
    drawn = [origin + scale * part for scale, part in zip((0, 2, 40), noise, strict=True)]
    return [coords.to(device) for coords in drawn]


def looked_up(features, places, radius):
    pyramid = CorrelationPyramid(*features, levels=4, radius=radius)
    return pyramid, torch.stack([pyramid.look_up(coords) for coords in places])


def looked_up_by_torchvision(features, places, radius):
    block = CorrBlock(radius=radius)
    block.build_pyramid(*features)
    return torch.stack([block.index_pyramid(coords) for coords in places])


def gradient(samples, features, **options):
    numbers = torch.arange(samples.numel(), dtype=torch.float64, device=samples.device)
    weights = numbers.sin().view(samples.shape)
    return torch.autograd.grad((samples * weights).sum(), features, **options)[0]


@pytest.mark.parametrize("radius", [3, 4])
def test_samples_and_gradient_are_those_of_torchvision(features, places, radius):
    _, samples = looked_up(features, places, radius)
    expected = looked_up_by_torchvision(features, places, radius)
    torch.testing.assert_close(samples, expected, rtol=0, atol=1e-13)
    wanted = gradient(expected, features)
    assert (gradient(samples, features) - wanted).norm() <= 1e-13 * wanted.norm()


def test_samples_in_float32_are_torchvisions_to_the_last_digit(features, places):
    features, places = features.float(), [coords.float() for coords in places]
    samples = looked_up(features, places, 4)[1]
    expected = looked_up_by_torchvision(features, places, 4)
    # torchvision takes cuDNN's sampler on a GPU.
    last_digits = 0 if features.device.type == "cpu" else 1e-5
    torch.testing.assert_close(samples, expected, rtol=0, atol=last_digits)


def test_gradient_is_the_same_at_every_backward_pass_and_none_is_left_behind(features, places):
    pyramid, samples = looked_up(features, places, 4)
    first = gradient(samples, features, retain_graph=True)
    assert torch.equal(gradient(samples, features), first)
    assert pyramid._gradient._sum is None


def test_lookups_of_which_some_are_not_used_have_the_gradient_of_the_others(features, places):
    _, samples = looked_up(features, places, 4)
    _, first = looked_up(features, places[:1], 4)
    wanted = gradient(first, features)
    torch.testing.assert_close(gradient(samples[:1], features), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("frozen", [0, 1])
def test_features_of_one_frame_may_be_fixed(features, places, frozen):
    wanted = gradient(looked_up(features, places, 4)[1], features)
    parts = [part.detach().requires_grad_(i != frozen) for i, part in enumerate(features)]
    samples = looked_up(parts, places, 4)[1]
    torch.testing.assert_close(gradient(samples, parts[1 - frozen]), wanted[1 - frozen])


def test_fixed_features_need_no_gradient(features, places):
    assert not looked_up(features.detach(), places, 4)[1].requires_grad


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf, 1e30])
def test_places_that_are_nowhere_pass_no_gradient_on(features, places, value):
    places[0][:, :, :5] = value
    samples = looked_up(features, places[:1], 4)[1].nan_to_num(0)
    elsewhere = torch.ones_like(samples)
    elsewhere[..., :5, :] = 0
    passed_on = gradient(samples, features, retain_graph=True)
    torch.testing.assert_close(passed_on, gradient(samples * elsewhere, features))
    assert passed_on.norm() > 0


def test_gradient_is_computed_on_the_device_of_the_features():
    """Fake tensors refuse to be mixed between devices; autograd itself would want a GPU."""
    with FakeTensorMode(), torch.device("cuda"):
        features = torch.empty(1, CHANNELS, ROWS, COLUMNS), torch.empty(1, CHANNELS, ROWS, COLUMNS)
        pyramid = CorrelationPyramid(*features, levels=4, radius=3)
        coords = torch.empty(1, 2, ROWS, COLUMNS)
        saved = SimpleNamespace(saved_tensors=(coords,), gradient=pyramid._gradient)
        _LookUp.backward(saved, torch.empty(1, 4 * 7 * 7, ROWS, COLUMNS))
        saved.saved_tensors = features
        gradients = _Correlate.backward(saved, None, None)[:2]
    assert all(gradient.device.type == "cuda" for gradient in gradients)
    assert [gradient.shape for gradient in gradients] == [part.shape for part in features]
