"""Counting bits gives the sums of products of ±1: those of a slow loop, and of torch, bit for bit."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import popcount as slow
from torch import Tensor, nn
from torch.func import vmap
from torch.nn.functional import conv2d

from mho.kernels import popcount
from mho.zoo.binary import BinaryConv2d, BinaryLinear, PackedConv2d, PackedLinear, packed, signs


def bits(*shape: int, seed: int = 0) -> Tensor:
    drawn = torch.rand(*shape, generator=torch.Generator().manual_seed(seed))
    return torch.where(drawn < 0.5, -1.0, 1.0)


def floats(*shape: int, seed: int = 1) -> Tensor:
    """Latent weights, some of them zero."""
    out = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return torch.where(out.abs() < 0.1, torch.zeros(()), out)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 4),
    inputs=st.one_of(st.integers(1, 200), st.sampled_from([63, 64, 65, 256, 257])),
    outputs=st.integers(1, 9),
    seed=st.integers(0, 2**40),
)
def test_a_linear_layer_is_what_a_slow_loop_adds_up(n: int, inputs: int, outputs: int, seed: int) -> None:
    x, w = bits(n, inputs, seed=seed), floats(outputs, inputs, seed=seed)
    got = popcount.linear(x, w)
    assert got is not None
    assert torch.equal(got, slow.linear(x, w))


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    images=st.integers(1, 2),
    channels=st.one_of(st.integers(1, 5), st.sampled_from([63, 64, 65, 130])),
    outputs=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    last=st.booleans(),
    seed=st.integers(0, 2**40),
)
def test_a_convolution_is_what_a_slow_loop_adds_up(
    data: st.DataObject, images, channels, outputs, kernel, stride, padding, dilation, last, seed
) -> None:
    least = [max(1, d * (k - 1) + 1 - 2 * p) for k, p, d in zip(kernel, padding, dilation, strict=True)]
    height, width = (data.draw(st.integers(size, size + 3)) for size in least)
    x, w = bits(images, channels, height, width, seed=seed), floats(outputs, channels, *kernel, seed=seed)
    x = x.to(memory_format=torch.channels_last) if last else x
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    got = popcount.convolve(x, w, **options)
    assert got is not None
    assert torch.equal(got, slow.convolve(x, w, **options))
    assert torch.equal(got, conv2d(x, signs(w), **options))


def test_many_outputs_and_many_rows_are_cut_into_parts() -> None:
    """More outputs than a tile, more work than one thread takes."""
    x, w = bits(300, 500), floats(1100, 500)
    torch.set_num_threads(3)
    try:
        got = popcount.linear(x, w)
    finally:
        torch.set_num_threads(1)
    assert got is not None
    assert torch.equal(got, x @ signs(w).T)


@pytest.mark.parametrize("value", [0.0, 0.5, 2.0, -1.0001, float("nan"), float("inf")])
@pytest.mark.parametrize("place", [(0, 0), (1, 129), (6, 64)])
def test_an_input_that_is_no_sign_is_seen(value: float, place: tuple[int, int]) -> None:
    x, w = bits(7, 130), floats(3, 130)
    x[place] = value
    assert popcount.linear(x, w) is None
    image = x.reshape(7, 130, 1, 1)
    assert popcount.convolve(image, w[:, :, None, None], stride=(1, 1), padding=(0, 0), dilation=(1, 1)) is None


def test_weights_may_be_any_scale() -> None:
    x, w = bits(4, 70), floats(5, 70)
    want = popcount.linear(x, w)
    assert want is not None
    for same in (signs(w), 0.013 * signs(w)):
        got = popcount.linear(x, same)
        assert got is not None
        assert torch.equal(got, want)


def pair(layer: nn.Module) -> tuple[nn.Module, nn.Module]:
    layer.eval()
    return layer, packed(layer)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("real", [False, True])
def test_packed_layers_give_the_numbers_and_the_layout_of_the_others(last: bool, real: bool) -> None:
    """Real inputs, which the first layer takes, go the way of floats."""
    layout = torch.channels_last if last else torch.contiguous_format
    make = floats if real else bits
    x = make(3, 6, 9, 8).to(memory_format=layout)
    for options in ({}, {"stride": 2, "padding": 1}, {"dilation": (2, 1), "padding": (0, 2)}):
        layer, other = pair(BinaryConv2d(6, 5, 3, bias=False, **options))
        assert type(other) is PackedConv2d
        with torch.inference_mode():
            want, got = layer(x), other(x)
        assert torch.equal(got, want)
        assert got.stride() == want.stride()
    layer, other = pair(BinaryLinear(70, 4, bias=False))
    assert type(other) is PackedLinear
    with torch.inference_mode():
        for x in (make(70), make(3, 70), make(2, 3, 70), make(0, 70), make(70, 6).T):
            assert torch.equal(other(x), layer(x))


@pytest.mark.parametrize(
    "layer",
    [
        BinaryLinear(6, 4),
        BinaryConv2d(4, 4, 3),
        BinaryConv2d(4, 4, 3, bias=False, groups=2),
        BinaryConv2d(4, 4, 3, bias=False, padding=1, padding_mode="circular"),
        BinaryConv2d(4, 4, 3, bias=False, padding="same"),
        nn.Linear(6, 4, bias=False),
    ],
    ids=str,
)
def test_layers_that_bits_do_not_serve_stay_as_they_are(layer: nn.Module) -> None:
    assert type(packed(layer)) is type(layer)


def test_packing_leaves_the_original_alone_and_shares_nothing() -> None:
    model = nn.Sequential(BinaryLinear(6, 4, bias=False))
    other = packed(model)
    assert type(model[0]) is BinaryLinear
    other[0].weight.data.zero_()
    assert bool((model[0].weight != 0).any())
    assert list(other.state_dict()) == list(model.state_dict())


def test_gradients_mixed_precision_doubles_and_vmap_go_the_way_of_floats(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, other = pair(BinaryLinear(70, 4, bias=False))
    x = bits(3, 70)
    other(x).sum().backward()
    layer(x).sum().backward()
    assert torch.equal(other.weight.grad, layer.weight.grad)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert other(x).dtype == layer(x).dtype == torch.bfloat16
        assert torch.equal(other(x), layer(x))
    with torch.no_grad():
        assert torch.equal(vmap(other)(x), layer(x))
        assert torch.equal(torch.fx.symbolic_trace(other)(x), layer(x))
        monkeypatch.setattr(popcount, "_cpu", lambda: None)  # no numba
        assert torch.equal(other(x), layer(x))
        assert torch.equal(other.double()(x.double()), layer.double()(x.double()))
