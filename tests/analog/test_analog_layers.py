"""Layers on exact arrays compute, differentiate and learn as torch's do: all kinds, shapes and options."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.array_reads import windows
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence

from mho.analog.bank import Bank
from mho.analog.conversion import convert
from mho.analog.floating import FloatingPoint
from mho.analog.layers import AnalogLayer
from mho.analog.optimizer import SGD
from mho.analog.tile import Tile
from mho.errors import ModelError

EXACT = FloatingPoint()


def seeded(make: Any, seed: int = 0) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def tensors(out: Any) -> list[Tensor]:
    if isinstance(out, Tensor):
        return [out]
    return [t for part in out if part is not None for t in tensors(part)]


def learn(model: nn.Module, optimizer: Any, inputs: list[Tensor], options: dict[str, Any]) -> list[Tensor]:
    """One step; outputs and gradients of inputs and biases."""
    inputs = [x.clone().requires_grad_() for x in inputs]
    optimizer.zero_grad()
    args = [inputs[0], *([tuple(inputs[1:])] if len(inputs) > 2 and options.get("hx") else inputs[1:])]
    outs = seeded(lambda: tensors(model(*args, **{k: v for k, v in options.items() if k != "hx"})))
    # A loss in which no output is like another.
    sum((out * torch.linspace(0.5, 1.5, out.numel()).view(out.shape)).square().sum() for out in outs).backward()
    biases = [p.grad for name, p in model.named_parameters() if "bias" in name and p.grad is not None]
    gradients = [x.grad for x in inputs if x.grad is not None]
    optimizer.step()
    return [*(out.detach() for out in outs), *gradients, *biases]


def check_alike(plain: nn.Module, *inputs: Tensor, **options: Any) -> nn.Module:
    """Two steps of ``plain`` and of its twin on exact arrays; the twin."""
    plain = copy.deepcopy(plain).train()
    analog = convert(plain, EXACT, counted=False)
    assert any(isinstance(m, AnalogLayer) for m in analog.modules())
    optimizers = torch.optim.SGD(plain.parameters(), lr=1e-4), SGD(analog, lr=1e-4)
    for _ in range(2):
        one, two = (learn(m, o, list(inputs), options) for m, o in zip((plain, analog), optimizers, strict=True))
        assert len(one) == len(two)
        for a, b in zip(one, two, strict=True):
            close(a, b)
    state = analog.state_dict()
    for name, weight in plain.state_dict().items():
        close(weight, state[name])
    return analog


def close(a: Tensor, b: Tensor) -> None:
    """But for the rounding of sums in another order."""
    bound = 2e-5 * max(1.0, float(a.abs().max()) if a.numel() else 0.0)
    torch.testing.assert_close(a, b, rtol=1e-4, atol=bound)


def normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.lists(st.integers(1, 3), max_size=3), st.booleans())
def test_linear(inputs: int, outputs: int, batch: list[int], bias: bool) -> None:
    layer = seeded(lambda: nn.Linear(inputs, outputs, bias=bias))
    check_alike(layer, normal(*batch, inputs))


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[nn.Module, Tensor]:
    dims, groups = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    each = st.integers(1, 2)
    kernel, dilation = [draw(st.integers(1, 3)) for _ in range(dims)], [draw(each) for _ in range(dims)]
    mode = draw(st.sampled_from(["zeros", "zeros", "reflect", "circular"]))
    same = draw(st.booleans())
    stride = [1] * dims if same else [draw(each) for _ in range(dims)]
    padding = "same" if same else [draw(st.integers(0, 2)) for _ in range(dims)]
    sizes = [6 + draw(st.integers(0, 3)) for _ in range(dims)]
    channels, outputs = groups * draw(each), groups * draw(each)
    kind = (nn.Conv1d, nn.Conv2d)[dims - 1]
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "padding_mode": mode}
    layer = seeded(lambda: kind(channels, outputs, kernel, bias=draw(st.booleans()), **options))
    batch = draw(st.lists(st.integers(1, 3), max_size=1))
    return layer, normal(*batch, channels, *sizes)


@settings(max_examples=40, deadline=None)
@given(convolutions())
def test_convolutions(made: tuple[nn.Module, Tensor]) -> None:
    analog = check_alike(*made)
    assert len(analog.bank("weight").tiles) == analog.groups


@pytest.mark.parametrize("piece", [1 << 22, 200, 1])
def test_a_convolution_updates_by_its_windows_in_order(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = seeded(lambda: nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2))
    analog = convert(layer, EXACT)
    seen: dict[str, list[tuple[Tensor, Tensor]]] = {}
    monkeypatch.setattr("mho.analog.layers.conv._PIECE", piece)
    monkeypatch.setattr("mho.analog.bank._TOGETHER", piece)
    monkeypatch.setattr(Tile, "update", lambda tile, x, d, rate: seen.setdefault(tile.name, []).append((x, d)))
    optimizer, x = SGD(analog, lr=1.0), normal(3, 4, 5, 6)
    out = analog(x)
    d = normal(*out.shape, seed=2)
    out.backward(d)
    optimizer.step()
    padded = nn.functional.pad(x, (0, 0, 1, 1)).double().numpy()
    expected = list(windows(padded, d.double().numpy(), (3, 2), (2, 1), (1, 2), 2))
    for group in range(2):
        calls = seen[f"weight.{group}"]
        assert (len(calls) > 1) == (piece < 1 << 22)
        wanted = [(a, b) for g, a, b in expected if g == group]
        np.testing.assert_allclose(torch.cat([c[0] for c in calls]), np.stack([a for a, _ in wanted]), rtol=1e-6)
        np.testing.assert_allclose(torch.cat([c[1] for c in calls]), np.stack([b for _, b in wanted]), rtol=1e-6)


@st.composite
def recurrents(draw: st.DrawFn) -> tuple[nn.Module, list[Tensor], dict[str, Any]]:
    kind = draw(st.sampled_from([nn.RNN, nn.LSTM, nn.GRU]))
    inputs, size, steps = (draw(st.integers(1, 4)) for _ in range(3))
    flags = {name: draw(st.booleans()) for name in ("bidirectional", "batch_first", "bias")}
    more: dict[str, Any] = {"num_layers": draw(st.integers(1, 3))}
    if more["num_layers"] > 1:
        more["dropout"] = draw(st.sampled_from([0.0, 0.5]))
    if kind is nn.LSTM and size > 1 and draw(st.booleans()):
        more["proj_size"] = size - 1
    if kind is nn.RNN:
        more["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    layer = seeded(lambda: kind(inputs, size, **flags, **more))
    batch = draw(st.integers(0, 3))
    shape = [steps] if batch == 0 else [batch, steps] if flags["batch_first"] else [steps, batch]
    x = normal(*shape, inputs)
    given_states: list[Tensor] = []
    if draw(st.booleans()):
        count = more["num_layers"] * (1 + flags["bidirectional"])
        sizes = [more.get("proj_size", size)] + [size] * (kind is nn.LSTM)
        given_states = [normal(count, *([batch] if batch else []), s, seed=7 + i) for i, s in enumerate(sizes)]
    return layer, [x, *given_states], {"hx": True} if given_states else {}


@settings(max_examples=50, deadline=None)
@given(recurrents())
def test_recurrent_layers(made: tuple[nn.Module, list[Tensor], dict[str, Any]]) -> None:
    layer, inputs, options = made
    check_alike(layer, *inputs, **options)


def test_recurrent_layers_say_what_they_do_not_take() -> None:
    lstm = convert(nn.LSTM(3, 4), EXACT)
    packed = pack_sequence([normal(3, 3), normal(2, 3)])
    with pytest.raises(ModelError, match="packed"):
        lstm(packed)
    lstm.eval()
    torch.testing.assert_close(lstm(packed)[0].data, nn.LSTM.forward(lstm, packed)[0].data)
    lstm.train()
    with pytest.raises(ModelError, match="a state has shape"):
        lstm(normal(5, 2, 3), (normal(1, 3, 4), normal(1, 2, 4)))


MASK = torch.ones(5, 5, dtype=torch.bool).triu(1)


@pytest.mark.parametrize(
    "options", [{}, {"bias": False}, {"batch_first": True}, {"add_bias_kv": True, "add_zero_attn": True}]
)
@pytest.mark.parametrize(
    "call", [{}, {"need_weights": False}, {"attn_mask": MASK, "average_attn_weights": False}, {"dropout": 0.4}]
)
def test_self_attention(options: dict[str, Any], call: dict[str, Any]) -> None:
    made = {"dropout": call.get("dropout", 0.0), **options}
    said = {k: v for k, v in call.items() if k != "dropout"}
    attention = seeded(lambda: nn.MultiheadAttention(6, 2, **made))
    x = normal(3, 5, 6) if options.get("batch_first") else normal(5, 3, 6)

    class Itself(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = attention

        def forward(self, x: Tensor) -> Any:
            return self.attention(x, x, x, **said)

    analog = check_alike(Itself(), x)
    names = {tile.name for tile in analog.modules() if isinstance(tile, Tile)}
    assert names == {*(f"attention.in_proj_weight.{i}" for i in range(3)), "attention.out_proj.weight"}


@pytest.mark.parametrize(("kdim", "vdim"), [(None, None), (3, 5)])
@pytest.mark.parametrize("batch", [0, 2])
def test_cross_attention(kdim: int | None, vdim: int | None, batch: int) -> None:
    attention = seeded(lambda: nn.MultiheadAttention(4, 2, kdim=kdim, vdim=vdim))
    shape = [batch] if batch else []
    query, key, value = (normal(n, *shape, e or 4, seed=n) for n, e in ((3, 4), (6, kdim), (6, vdim)))
    check_alike(attention, query, key, value)


def test_a_transformer_layer() -> None:
    layer = seeded(lambda: nn.TransformerEncoderLayer(8, 2, 16, dropout=0.3, batch_first=True))
    analog = check_alike(layer, normal(3, 5, 8))
    plain = seeded(lambda: nn.TransformerEncoderLayer(8, 2, 16, dropout=0.3, batch_first=True)).eval()
    with torch.no_grad():  # the fused kernel of torch
        torch.testing.assert_close(convert(plain, EXACT)(normal(3, 5, 8)), plain(normal(3, 5, 8)))
    assert analog.training


def test_part_of_a_layer_may_stay_digital() -> None:
    plain = seeded(lambda: nn.LSTM(3, 4, num_layers=2))
    analog = convert(plain, {"weight_hh*": None, "*": EXACT})
    assert list(analog.banks) == ["weight_ih_l0", "weight_ih_l1"]
    assert analog.weight_hh_l0.requires_grad
    assert not analog.weight_ih_l0.requires_grad
    optimizers = torch.optim.SGD(plain.parameters(), lr=1e-3), SGD(analog, lr=1e-3)
    one, two = (learn(m, o, [normal(5, 2, 3)], {}) for m, o in zip((plain, analog), optimizers, strict=True))
    for a, b in zip(one, two, strict=True):
        close(a, b)
    for name, weight in plain.state_dict().items():
        close(weight, analog.state_dict()[name])


def test_only_the_last_projection_of_an_attention_on_an_array() -> None:
    plain = seeded(lambda: nn.MultiheadAttention(4, 2))
    analog = convert(plain, {"out_proj": EXACT})
    optimizers = torch.optim.SGD(plain.parameters(), lr=1e-3), SGD(analog, lr=1e-3)
    inputs = [normal(3, 2, 4, seed=s) for s in range(3)]
    for model, optimizer in zip((plain, analog), optimizers, strict=True):
        learn(model, optimizer, inputs, {})
    close(plain.out_proj.weight.detach(), analog.out_proj.weight)
    close(plain.in_proj_weight.detach(), analog.in_proj_weight.detach())


def test_mixed_precision_reaches_arrays_in_full() -> None:
    plain = seeded(lambda: nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2)))
    analog = convert(plain, EXACT)
    optimizer = SGD(analog, lr=0.1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert analog[0](normal(6, 5)).dtype is torch.float32
        loss = analog(normal(6, 5)).square().mean()
    loss.backward()
    optimizer.step()
    assert not torch.equal(analog[0].weight, plain[0].weight)
    assert optimizer.skipped == 0
    assert isinstance(analog[0].bank("weight"), Bank)
