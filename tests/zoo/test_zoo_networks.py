"""The networks have the papers' shapes and work under fx and vmap."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call, vmap

from mho import zoo
from mho.data import Dataset
from mho.errors import MhoError, SpecError, UnknownNameError
from mho.zoo.registry import built_as

SHAPES = {
    "lenet": (1, 28, 28),
    "lenet-tanh": (1, 28, 28),
    "mlp": (1, 28, 28),
    "bnn-vgg3": (1, 28, 28),
    "bnn-resnet18": (3, 64, 64),
}
WEIGHTS = {
    "lenet": 105_918,
    "lenet-tanh": 80_016,  # the paper: 80K
    "convnet": 6_397_632,
    "vgg8": 12_897_984,  # the paper: 1.29e7
    "resnet18": 11_164_352,  # the paper's 1.15e7 counts 352,256 unused ones
    "mlp": 784 * 256 + 256 * 128 + 128 * 10,
    "resnet20": 268_336,  # the paper's 0.27M with batch norm and biases
    "resnet32": 461_872,
    "resnet44": 655_408,
    "resnet56": 848_944,
    "vit": 8 * (4 * 256**2 + 2 * 256 * 512) + 48 * 256 + 2560,
    "char-lstm": 4 * 64 * (87 + 3 * 64) + 87 * 64,  # the paper: 77K
    "bnn-vgg3": 6_480_448,
    "bnn-vgg7": 12_973_440,
    "bnn-resnet18": 11_164_352,
}
QUICK = ("lenet", "lenet-tanh", "mlp", "resnet20", "convnet")


def images(name: str, n: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    if name == "char-lstm":
        return torch.randint(0, 87, (n, 9), generator=generator)
    return torch.rand(n, *SHAPES.get(name, (3, 32, 32)), generator=generator)


@pytest.mark.parametrize("name", [name for name in zoo.names() if name != "encoder"])  # test_zoo_encoder.py
def test_every_network_has_its_size_and_traces(name: str) -> None:
    model = zoo.build(name).eval()
    weights = [p.numel() for key, p in model.named_parameters() if "weight" in key and p.dim() > 1]
    assert sum(weights) == WEIGHTS[name]
    x = images(name)
    with torch.no_grad():
        out = model(x)
        assert out.shape == ((2, 9, 87) if name == "char-lstm" else (2, 10))
        assert torch.isfinite(out).all()
        assert torch.equal(torch.fx.symbolic_trace(model)(x), out)


@pytest.mark.parametrize("name", ["vgg8", "resnet18", "bnn-vgg3", "bnn-resnet18"])
def test_a_narrower_network_scales_in_all_its_layers(name: str) -> None:
    usual, narrow = (zoo.build(name, **options).state_dict() for options in ({}, {"width": 16}))
    assert list(usual) == list(narrow)
    for key, tensor in narrow.items():
        want = [size // 4 if size >= 64 else size for size in usual[key].shape]
        assert list(tensor.shape) == want, key
    model = zoo.build(name, width=3, classes=7).eval()
    assert model(images(name)).shape == (2, 7)
    same = zoo.build(name, width=64).state_dict()
    assert all(torch.equal(tensor, same[key]) for key, tensor in usual.items())


@pytest.mark.parametrize("name", QUICK)
def test_a_batch_of_chips_is_a_loop_over_chips(name: str) -> None:
    model, x = zoo.build(name).eval(), images(name)
    states = [dict(zoo.build(name, seed=s).state_dict()) for s in range(3)]
    stacked = {k: torch.stack([s[k] for s in states]) for k in states[0]}
    with torch.no_grad():
        together = vmap(lambda s: functional_call(model, s, (x,)))(stacked)
        for chip, state in zip(together, states, strict=True):
            torch.testing.assert_close(chip, functional_call(model, state, (x,)), rtol=1e-4, atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(size=st.integers(4, 33), classes=st.integers(1, 12), channels=st.integers(1, 4))
def test_lenet_of_any_size(size: int, classes: int, channels: int) -> None:
    model = zoo.build("lenet", image_size=size, classes=classes, channels=channels)
    assert model(torch.zeros(2, channels, size, size)).shape == (2, classes)


@settings(max_examples=15, deadline=None)
@given(size=st.integers(16, 40), classes=st.integers(1, 12), channels=st.integers(1, 4))
def test_lenet_tanh_of_any_size(size: int, classes: int, channels: int) -> None:
    model = zoo.build("lenet-tanh", image_size=size, classes=classes, channels=channels)
    assert model(torch.zeros(2, channels, size, size)).shape == (2, classes)


def test_the_arrays_of_lenet_tanh_are_the_papers() -> None:
    layers = [m for m in zoo.build("lenet-tanh").modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    arrays = [(len(m.weight), m.weight[0].numel() + 1) for m in layers]  # one more column for the biases
    assert arrays == [(16, 26), (32, 401), (128, 513), (10, 129)]


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh"])
def test_an_mlp_of_any_activation(name: str, tmp_path: Path) -> None:
    model = zoo.build("mlp", inputs=6, hidden=[5, 4], classes=3, activation=name).eval()
    usual = zoo.build("mlp", inputs=6, hidden=[5, 4], classes=3).eval()
    assert all(torch.equal(t, usual.state_dict()[key]) for key, t in model.state_dict().items())
    x = images("mlp")[:, :, 0, :6]
    first, second, last = (m for m in model.modules() if isinstance(m, nn.Linear))
    bend = {"relu": lambda v: v.clamp(min=0), "sigmoid": lambda v: 1 / (1 + (-v).exp()), "tanh": torch.tanh}[name]
    wanted = last(bend(second(bend(first(x.flatten(1))))))
    torch.testing.assert_close(model(x), wanted)
    assert torch.equal(model(x), usual(x)) == (name == "relu")
    again = zoo.load(zoo.save(model, tmp_path / "mlp.safetensors"))
    assert torch.equal(again(x), model(x))


@settings(max_examples=15, deadline=None)
@given(inputs=st.integers(1, 50), hidden=st.lists(st.integers(1, 9), max_size=3), classes=st.integers(1, 5))
def test_mlp_of_any_size(inputs: int, hidden: list[int], classes: int) -> None:
    model = zoo.build("mlp", inputs=inputs, hidden=hidden, classes=classes)
    assert model(torch.zeros(3, inputs)).shape == (3, classes)


def test_seed_decides_the_weights_and_the_global_generator_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    first, again, other = zoo.build("lenet"), zoo.build("lenet"), zoo.build("lenet", seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.fc1.weight, again.fc1.weight)
    assert not torch.equal(first.fc1.weight, other.fc1.weight)
    assert all(not p.any() for n, p in first.named_parameters() if n.endswith("bias"))


def test_weights_have_the_variance_of_he_initialisation() -> None:
    fan_in = zoo.build("lenet").fc1.weight.std().item()  # (120, 784)
    assert fan_in == pytest.approx((2 / 784) ** 0.5, rel=0.02)
    fan_out = zoo.build("vgg8").fc1.weight.std().item()  # (1024, 8192)
    assert fan_out == pytest.approx((2 / 1024) ** 0.5, rel=0.02)


def test_a_network_remembers_what_it_is() -> None:
    said = built_as(zoo.build("resnet20", classes=7))
    assert said is not None
    assert (said.name, said.options) == ("resnet20", {"classes": 7})
    assert built_as(nn.Linear(1, 1)) is None


@pytest.mark.parametrize(
    ("name", "options", "error", "words"),
    [
        ("lennet", {}, UnknownNameError, "unknown model 'lennet': did you mean 'lenet'?"),
        ("lenet", {"clases": 3}, UnknownNameError, "'lenet' has no option 'clases': did you mean 'classes'?"),
        ("resnet20", {"depth": 32}, UnknownNameError, "'resnet20' has no option 'depth'"),
        ("lenet", {"classes": 0}, SpecError, "lenet: classes=0 must be an integer of at least 1"),
        ("lenet", {"classes": True}, SpecError, "classes=True"),
        ("lenet", {"image_size": 3}, SpecError, "image_size=3 must be an integer of at least 4"),
        ("vgg8", {"image_size": 7}, SpecError, "vgg8: image_size=7"),
        ("vgg8", {"width": 0}, SpecError, "vgg8: width=0 must be an integer of at least 1"),
        ("resnet18", {"width": 0.5}, SpecError, "resnet18: width=0.5"),
        ("convnet", {"channels": 1.5}, SpecError, "convnet: channels=1.5"),
        ("bnn-vgg", {}, UnknownNameError, "unknown model 'bnn-vgg': did you mean 'bnn-vgg"),
        ("bnn-vgg3", {"width": 0}, SpecError, "bnn-vgg3: width=0 must be an integer of at least 1"),
        ("bnn-vgg7", {"image_size": 7}, SpecError, "bnn-vgg7: image_size=7 must be an integer of at least 8"),
        ("bnn-resnet18", {"classes": 0}, SpecError, "bnn-resnet18: classes=0"),
        ("mlp", {"hidden": "256"}, SpecError, "mlp: hidden='256' must be a list of widths"),
        ("mlp", {"hidden": [256, 0]}, SpecError, "hidden width=0"),
        ("mlp", {"activation": "sigmod"}, UnknownNameError, "mlp: activation 'sigmod': did you mean 'sigmoid'?"),
        ("lenet-tanh", {"image_size": 15}, SpecError, "lenet-tanh: image_size=15 must be an integer of at least 16"),
        ("char-lstm", {"hidden": 0}, SpecError, "char-lstm: hidden=0"),
        ("char-lstm", {"dropout": 1}, SpecError, "char-lstm: dropout=1 must be in [0, 1)"),
        ("char-lstm", {"dropout": 0.2, "depth": 1}, SpecError, "dropout=0.2 is between layers, and depth=1 has one"),
        ("vit", {"depth": 0}, SpecError, "vit: depth=0"),
        ("vit", {"image_size": 30}, SpecError, "vit: image_size=30 must be a multiple of patch=4"),
        ("vit", {"width": 20, "heads": 8}, SpecError, "vit: width=20 must be a multiple of heads=8"),
    ],
)
def test_bad_requests_are_one_line(name: str, options: dict, error: type[MhoError], words: str) -> None:
    with pytest.raises(error) as caught:
        zoo.build(name, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_depth_of_a_cifar_resnet_is_checked() -> None:
    from mho.zoo.resnet_cifar import ResNetCIFAR

    with pytest.raises(SpecError, match="depth=21 must be 6 n \\+ 2"):
        ResNetCIFAR(depth=21)


@pytest.mark.parametrize("package", ["mho.zoo", "mho.data", "mho.training"])
def test_listing_does_not_import_torch(package: str) -> None:
    code = (
        f"import sys, {package} as room; names = dir(room); "
        f"getattr(room, 'names', tuple)(); sys.exit('torch' in sys.modules or not names)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("package", ["zoo", "data", "training"])
def test_every_public_name_exists_and_no_other(package: str) -> None:
    room = __import__(f"mho.{package}", fromlist=["__all__"])
    for name in room.__all__:
        assert getattr(room, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = room.nonsense


def test_every_row_says_what_it_is() -> None:
    for row in zoo.ARCHITECTURES.values():
        assert row.description
        assert row.paper
        assert "\n" not in row.description + row.paper


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [("lenet", (3, 16, 16), 7), ("mlp", (1, 8, 8), 3), ("resnet18", (1, 32, 32), 5), ("resnet20", (3, 32, 32), 100)],
)
def test_a_network_can_be_built_to_fit_data(name: str, shape: tuple[int, ...], classes: int) -> None:
    data = Dataset(inputs=torch.rand(2, *shape), targets=torch.tensor([0, classes - 1]), classes=classes)
    model = zoo.build_for(name, data).eval()
    assert model(data.inputs).shape == (2, classes)
    assert zoo.build_for(name, data, classes=classes + 1).eval()(data.inputs).shape == (2, classes + 1)
