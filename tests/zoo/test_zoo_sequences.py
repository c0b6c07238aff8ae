"""The character LSTM and the vision transformer, beside what their layers are said to compute."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import conv2d

import mho
from mho import devices, zoo
from mho.data import Dataset
from mho.zoo.char_lstm import CharLSTM
from mho.zoo.vit import ViT


def gates(layer: nn.LSTM, number: int, inputs: list[Tensor]) -> list[Tensor]:
    """The states of one LSTM layer, character by character: i, f, g, o in this order."""
    w_in, w_state, b_in, b_state = (
        layer.get_parameter(f"{kind}_l{number}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    state = cell = torch.zeros(layer.hidden_size)
    out = []
    for x in inputs:
        i, f, g, o = (w_in @ x + b_in + w_state @ state + b_state).chunk(4)
        cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
        state = o.sigmoid() * cell.tanh()
        out.append(state)
    return out


@settings(max_examples=15, deadline=None)
@given(classes=st.integers(1, 9), hidden=st.integers(1, 6), depth=st.integers(1, 3), length=st.integers(1, 7))
def test_the_lstm_is_its_equations(classes: int, hidden: int, depth: int, length: int) -> None:
    model = zoo.build("char-lstm", classes=classes, hidden=hidden, depth=depth).eval()
    assert isinstance(model, CharLSTM)
    text = torch.randint(0, classes, (2, length), generator=torch.Generator().manual_seed(length))
    with torch.no_grad():
        got = model(text)
        assert got.shape == (2, length, classes)
        for row, sentence in zip(got, text, strict=True):
            states = [torch.eye(classes)[c] for c in sentence]
            for number in range(depth):
                states = gates(model.lstm, number, states)
            wanted = torch.stack([model.head.weight @ s + model.head.bias for s in states])
            torch.testing.assert_close(row, wanted, rtol=1e-4, atol=1e-5)


def test_a_character_is_told_from_those_before_it_alone() -> None:
    model = zoo.build("char-lstm", classes=5, hidden=8).eval()
    text = torch.tensor([[0, 1, 2, 3, 4, 0]])
    other = text.clone()
    other[0, 3] = 1
    with torch.no_grad():
        a, b = model(text), model(other)
        assert torch.equal(a[:, :3], b[:, :3])
        assert not torch.allclose(a[:, 3:], b[:, 3:])
        torch.testing.assert_close(model(text[:, :4]), a[:, :4])


def test_the_patches_are_a_strided_convolution() -> None:
    model = zoo.build("vit", width=16, heads=2, mlp=8, depth=1, patch=4, image_size=12, channels=2).eval()
    assert isinstance(model, ViT)
    images = torch.rand(3, 2, 12, 12, generator=torch.Generator().manual_seed(0))
    kept: list[Tensor] = []
    model.embed.register_forward_hook(lambda module, given, out: kept.append(out))
    with torch.no_grad():
        model(images)
        wanted = conv2d(images, model.embed.weight.view(16, 2, 4, 4), model.embed.bias, stride=4)
    torch.testing.assert_close(kept[0], wanted.flatten(2).transpose(1, 2), rtol=1e-4, atol=1e-5)


def test_a_block_of_the_transformer_is_its_equations() -> None:
    model = zoo.build("vit", width=8, heads=2, mlp=6, depth=1, patch=2, image_size=4, channels=1).eval()
    assert isinstance(model, ViT)
    block = model.blocks[0]
    x = torch.randn(1, 4, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        y = block.norm1(x)[0]
        q, k, v = (y @ block.attention.in_proj_weight.T + block.attention.in_proj_bias).chunk(3, dim=1)
        heads = []
        for part in (slice(0, 4), slice(4, 8)):
            shares = (q[:, part] @ k[:, part].T / 4**0.5).softmax(1)
            heads.append(shares @ v[:, part])
        x1 = x[0] + block.attention.out_proj(torch.cat(heads, 1))
        wanted = x1 + block.fc2(nn.functional.gelu(block.fc1(block.norm2(x1))))
        torch.testing.assert_close(block(x)[0], wanted, rtol=1e-4, atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(patch=st.integers(1, 5), tiles=st.integers(1, 3), heads=st.integers(1, 3), depth=st.integers(1, 2))
def test_a_transformer_of_any_size(patch: int, tiles: int, heads: int, depth: int) -> None:
    options = {"patch": patch, "image_size": patch * tiles, "heads": heads, "width": 4 * heads, "depth": depth}
    model = zoo.build("vit", mlp=5, classes=3, channels=2, **options)
    assert model(torch.zeros(2, 2, patch * tiles, patch * tiles)).shape == (2, 3)


def test_networks_are_built_to_fit_and_deployed_whole() -> None:
    text = Dataset(inputs=torch.randint(0, 5, (4, 6)), targets=torch.randint(0, 5, (4, 6)), classes=5)
    images = Dataset(inputs=torch.rand(4, 1, 8, 8), targets=torch.arange(4), classes=4)
    for name, data, options, matrices in (
        ("char-lstm", text, {"hidden": 3}, 5),
        ("vit", images, {"width": 8, "heads": 2, "mlp": 4, "depth": 2}, 2 * 4 + 2),
    ):
        model = zoo.build_for(name, data, **options).eval()
        chips = mho.deploy(model, mho.Memory(device=devices.RRAM1(sigma=0.1)))
        assert len(chips.placements) == matrices, "all matrices lie on the array"
        losses = mho.evaluate(chips, data, n_chips=3, metric="cross-entropy").values.ravel().tolist()
        assert len(set(losses)) == 3


@pytest.mark.parametrize("name", ["char-lstm", "vit"])
def test_the_seed_decides_the_start_and_nothing_else_changes(name: str) -> None:
    options = {"hidden": 4} if name == "char-lstm" else {"width": 8, "heads": 2, "mlp": 4, "depth": 1}
    before = torch.random.get_rng_state()
    first, again, other = (zoo.build(name, seed=seed, **options) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(first.head.weight, other.head.weight)
