"""Binary layers and networks: signs, their gradient, and what folding, chips and files make of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call, vmap

import mho
from mho import devices, zoo
from mho.evaluation.fold import fold_batchnorm
from mho.evaluation.forward import call
from mho.zoo.binary import BinaryActivation, BinaryConv2d, BinaryLinear, Scale, packed, signs

SMALL = {
    "bnn-vgg3": {"image_size": 8, "channels": 1, "width": 4, "classes": 3},
    "bnn-vgg7": {"image_size": 8, "channels": 1, "width": 4, "classes": 3},
    "bnn-resnet18": {"image_size": 16, "channels": 1, "width": 4, "classes": 3},
}


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def small(name: str) -> tuple[nn.Module, Tensor]:
    """A small network whose norms are as if trained, negative gains among them, and inputs."""
    model = zoo.build(name, **SMALL[name]).eval()
    for i, norm in enumerate(m for m in model.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)):
        norm.weight.data = drawn(norm.num_features, seed=i)
        norm.bias.data = drawn(norm.num_features, seed=i + 1)
        norm.running_mean = 3 * drawn(norm.num_features, seed=i + 2)
        norm.running_var = 1 + drawn(norm.num_features, seed=i + 3).abs()
    size = SMALL[name]["image_size"]
    return model, drawn(5, 1, size, size, seed=9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_signs_are_plus_one_above_zero_and_minus_one_elsewhere(dtype: torch.dtype) -> None:
    x = torch.tensor([[-2.0, -1e-30, -0.0, 0.0, 1e-30, 3.0, float("inf"), -float("inf")]], dtype=dtype)
    got = signs(x)
    assert got.dtype == dtype
    assert got.tolist() == [[-1, -1, -1, -1, 1, 1, 1, -1]]
    assert torch.equal(signs(got), got)
    assert torch.equal(signs(0.013 * got), got)


def test_gradients_go_straight_through_signs_and_stop_where_a_hardtanh_is_flat() -> None:
    x = torch.tensor([-1.5, -0.3, 0.0, 0.9, 1.2], requires_grad=True)
    up = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    (signs(x) * up).sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, up)
    x.grad = None
    y = BinaryActivation()(x)
    (y * up).sum().backward()
    assert x.grad.tolist() == [0, 2, 3, 4, 0]
    with torch.no_grad():
        assert torch.equal(BinaryActivation()(x), y)


def test_layers_compute_with_signs_and_learn_their_latent_weights() -> None:
    x, up = drawn(6, 5), drawn(6, 4, seed=1)
    layer, plain = BinaryLinear(5, 4), nn.Linear(5, 4)
    plain.load_state_dict(layer.state_dict())
    plain.weight.data = torch.where(layer.weight > 0, 1.0, -1.0)
    torch.testing.assert_close(layer(x), plain(x))
    (layer(x) * up).sum().backward()
    assert layer.weight.grad is not None
    torch.testing.assert_close(layer.weight.grad, up.T @ x)

    images = drawn(2, 3, 7, 6)
    for options in (
        {},
        {"stride": 2, "padding": 1},
        {"dilation": 2, "bias": False},
        {"groups": 3},
        {"padding": "same"},
    ):
        conv = BinaryConv2d(3, 6, 3, **options)
        same = nn.Conv2d(3, 6, 3, **options)
        same.load_state_dict(conv.state_dict())
        same.weight.data = torch.where(conv.weight > 0, 1.0, -1.0)
        torch.testing.assert_close(conv(images), same(images))
    # Padding is zero, not -1: where an image is all +1, a corner sees four products instead of nine.
    conv = BinaryConv2d(1, 1, 3, padding=1, bias=False)
    conv.weight.data.fill_(0.2)
    assert conv(torch.ones(1, 1, 3, 3))[0, 0].tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]


def test_the_scale_is_learnt() -> None:
    layer = Scale()
    assert layer(torch.tensor(500.0)).item() == pytest.approx(0.5)
    layer(torch.tensor([500.0, 100.0])).sum().backward()
    assert layer.factor.grad is not None
    assert layer.factor.grad.item() == 600


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("bnn-vgg3", ["conv1", "conv2", "fc1", "fc2"]),
        ("bnn-vgg7", [*(f"conv{i}" for i in range(1, 7)), "fc1", "fc2"]),
        (
            "bnn-resnet18",
            [
                "conv1",
                *("layer1.0.conv1", "layer1.0.conv2", "layer1.1.conv1", "layer1.1.conv2"),
                *("layer2.0.conv1", "layer2.0.conv2", "layer2.0.shortcut.0", "layer2.1.conv1", "layer2.1.conv2"),
                *("layer3.0.conv1", "layer3.0.conv2", "layer3.0.shortcut.0", "layer3.1.conv1", "layer3.1.conv2"),
                *("layer4.0.conv1", "layer4.0.conv2", "layer4.0.shortcut.0", "layer4.1.conv1", "layer4.1.conv2"),
                "linear",
            ],
        ),
    ],
)
def test_layers_come_in_the_order_of_the_paper(name: str, want: list[str]) -> None:
    model = zoo.build(name, width=4)
    layers = [n for n, m in model.named_modules() if isinstance(m, BinaryLinear | BinaryConv2d)]
    assert layers == want
    assert not any(type(m) in (nn.Linear, nn.Conv2d) for m in model.modules())


@settings(max_examples=12, deadline=None)
@given(
    name=st.sampled_from(sorted(SMALL)), size=st.integers(8, 40), classes=st.integers(1, 5), channels=st.integers(1, 3)
)
def test_networks_of_any_size(name: str, size: int, classes: int, channels: int) -> None:
    model = zoo.build(name, image_size=size, classes=classes, channels=channels, width=2).eval()
    assert model(torch.zeros(2, channels, size, size)).shape == (2, classes)


@pytest.mark.parametrize("name", SMALL)
def test_activations_between_layers_are_signs(name: str) -> None:
    model, x = small(name)
    seen: list[Tensor] = []
    for layer in model.modules():
        if isinstance(layer, BinaryLinear | BinaryConv2d):
            layer.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    model(x)
    assert len(seen) >= 4
    assert all(bool((part.abs() == 1).all()) for part in seen[1:])
    assert not bool((seen[0].abs() == 1).all())


@pytest.mark.parametrize("name", SMALL)
def test_batch_norm_is_not_folded_into_signs(name: str) -> None:
    model, x = small(name)
    folded, gains = fold_batchnorm(model, x)
    assert folded is model
    assert gains == {}


def test_beside_binary_layers_others_fold_and_chips_stay_the_same() -> None:
    body = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), BinaryActivation(), BinaryConv2d(4, 4, 3), nn.BatchNorm2d(4)]
    model = nn.Sequential(*body, BinaryActivation(), nn.Flatten(), BinaryLinear(64, 3, bias=False), Scale()).eval()
    model[1].running_mean, model[4].weight.data = drawn(4), torch.tensor([1.0, -1.0, 0.5, -2.0])
    x = drawn(40, 1, 8, 8, seed=4)
    folded, gains = fold_batchnorm(model, x)
    assert list(gains) == ["0.weight"]
    # What a memory of bits gives back: some of them flipped, times a scale.
    weights = {n: p.detach() for n, p in model.named_parameters() if n in ("3.weight", "7.weight")}
    read = {n: 0.05 * torch.where(drawn(*w.shape, seed=5) > 1, -w.sign(), w.sign()) for n, w in weights.items()}
    by_hand = call(model, x, {n: w.sign() for n, w in read.items()})
    got = call(folded, x, {**read, "0.weight": model[0].weight.detach() * gains["0.weight"]})
    torch.testing.assert_close(got, by_hand, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", SMALL)
def test_a_batch_of_binary_chips_is_a_loop_over_chips(name: str) -> None:
    model, x = small(name)
    names = [n for n, p in model.named_parameters() if p.dim() > 1]
    stacked = {n: 0.3 * signs(drawn(3, *model.get_parameter(n).shape, seed=7)) for n in names}
    with torch.no_grad():
        together = vmap(lambda w: functional_call(model, w, (x,)))(stacked)
        for i, chip in enumerate(together):
            torch.testing.assert_close(chip, functional_call(model, {n: w[i] for n, w in stacked.items()}, (x,)))


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("batching", ["loop", "vmap"])
def test_evaluation_is_a_plain_loop_over_chips(name: str, batching: str) -> None:
    model, x = small(name)
    targets = torch.arange(len(x)) % 3
    memory = mho.Memory(device=devices.LevelGaussian(sigma=0.4))
    for network in (model, packed(model)):
        chips = mho.deploy(network, memory)
        got = mho.evaluate(chips, (x, targets), n_chips=4, batching=batching, show_progress=False)
        with torch.no_grad():
            want = [float((chips.chip(i)(x).argmax(1) == targets).float().mean()) for i in range(4)]
        assert got.values.flatten().tolist() == pytest.approx(want)


def test_a_packed_network_is_saved_and_loaded_as_what_it_was_built(tmp_path: Path) -> None:
    model, x = small("bnn-vgg3")
    back = zoo.load(zoo.save(packed(model), tmp_path / "net.safetensors"))
    assert type(back.fc1) is BinaryLinear
    with torch.no_grad():
        assert torch.equal(back(x), model(x))
