"""Binarised layers of many styles are recognised by what they compute; layers of more than one bit are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F  # noqa: N812

from mho.memory.binary import binarised
from mho.memory.layers import LayerRule, register
from mho.zoo.binary import BinaryConv2d, BinaryLinear


def straight(w: Tensor, value: Tensor) -> Tensor:
    return w + (value - w).detach()


class Signed(nn.Linear):
    """torch.sign with the usual detach trick, rounding error and all."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, straight(self.weight, torch.sign(self.weight)), self.bias)


class FromZero(nn.Linear):
    """Zero is positive, as in Keras' larq."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, torch.where(self.weight >= 0, 1.0, -1.0), self.bias)


class BelowZero(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, torch.where(self.weight > 0, 1.0, -1.0), self.bias)


class Xnor(nn.Conv2d):
    """Signs times the mean magnitude of an output channel; the input is binarised, too."""

    def forward(self, x: Tensor) -> Tensor:
        alpha = self.weight.abs().mean((1, 2, 3), keepdim=True)
        return F.conv2d(torch.sign(x), alpha * torch.sign(self.weight), None, self.stride, self.padding)


class ScaledAfter(nn.Conv1d):
    """One mean of the tensor, applied to the outputs."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, torch.sign(self.weight)) * self.weight.abs().mean()


class ByLargest(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.sign() * self.weight.abs().amax(1, keepdim=True))


class Learnt(nn.ConvTranspose2d):
    """The scale is a parameter of its own, as Brevitas can have it."""

    def __init__(self, *sizes: int) -> None:
        super().__init__(*sizes)
        self.scale = nn.Parameter(torch.tensor(0.3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, self.weight.sign() * self.scale, self.bias)


class InPlace(nn.Linear):
    """Binarises the data of its very parameter, and keeps the latent values beside it."""

    def forward(self, x: Tensor) -> Tensor:
        if not hasattr(self.weight, "latent"):
            self.weight.latent = self.weight.data.clone()
        self.weight.data = self.weight.latent.sign()
        return F.linear(x, self.weight, self.bias)


class ByHand(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("...i,oi->...o", x, self.weight.sign())


class Standardised(nn.Linear):
    """Latent values are brought to unit scale first, which does not change their signs."""

    def forward(self, x: Tensor) -> Tensor:
        w = (self.weight / self.weight.std()).clamp(-1, 1)
        return F.linear(x, w.sign() * w.sign().abs().mean())


class Centred(nn.Conv2d):
    """IR-Net: weights of an output channel standardised, signs times a power of two."""

    def forward(self, x: Tensor) -> Tensor:
        rows = self.weight.flatten(1)
        level = (rows - rows.mean(1, keepdim=True)) / (rows - rows.mean(1, keepdim=True)).std(1, keepdim=True)
        scale = 2 ** level.abs().mean(1, keepdim=True).log2().round()
        return F.conv2d(x, (level.sign() * scale).view_as(self.weight), None, self.stride, self.padding)


class CentredByTensor(nn.Linear):
    """Signs around the mean of the tensor, times the mean magnitude of the weights themselves."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, (self.weight - self.weight.mean()).sign() * self.weight.abs().mean())


class CentredAndScaled(nn.Linear):
    """The scale is that of the centred weights, of an output channel or all."""

    def __init__(self, rows: int, columns: int, *, channel: bool = True, spread: bool = False) -> None:
        super().__init__(rows, columns)
        self.over, self.spread = (1 if channel else (0, 1)), spread

    def forward(self, x: Tensor) -> Tensor:
        level = self.weight - self.weight.mean(self.over, keepdim=True)
        size = level.square().mean(self.over, keepdim=True).sqrt() if self.spread else None
        scale = level.abs().mean(self.over, keepdim=True) if size is None else size
        return F.linear(x, level.sign() * scale)


class Own(nn.Module):
    """A layer of nobody's family, its weight the other way round, beside a second one of the same shape."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(rows, columns))
        self.weight = nn.Parameter(torch.empty(rows, columns))

    def forward(self, x: Tensor) -> Tensor:
        return x @ (self.gain * self.weight.sign())


register(Own, LayerRule(("weight",), 1, lambda module, shape: (shape[0], shape[1], 1)))

BINARY: dict[str, Callable[[], nn.Module]] = {
    "ours": lambda: BinaryLinear(40, 7),
    "our convolution": lambda: BinaryConv2d(3, 5, 3, padding=1, stride=2),
    "sign": lambda: Signed(40, 7),
    "zero is +": lambda: FromZero(40, 7),
    "zero is -": lambda: BelowZero(40, 7),
    "xnor": lambda: Xnor(3, 5, 3, padding=1),
    "scaled after": lambda: ScaledAfter(3, 5, 2),
    "by largest": lambda: ByLargest(40, 7),
    "learnt scale": lambda: Learnt(3, 5, 2),
    "in place": lambda: InPlace(40, 7),
    "by hand": lambda: ByHand(40, 7),
    "standardised": lambda: Standardised(40, 7),
    "centred": lambda: Centred(3, 5, 3),
    "centred by tensor": lambda: CentredByTensor(40, 7),
    "registered": lambda: Own(40, 7),
}
SCALED: dict[str, Callable[[], nn.Module]] = {
    "of a channel": lambda: CentredAndScaled(40, 7),
    "of the tensor": lambda: CentredAndScaled(40, 7, channel=False),
    "deviation": lambda: CentredAndScaled(40, 7, spread=True),
}


def seeded(layer: nn.Module, seed: int = 0) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    for parameter in layer.parameters():
        if parameter.dim() > 1 and parameter is not getattr(layer, "gain", None):
            parameter.data = 0.2 * torch.randn(parameter.shape, generator=generator)
    return layer


def run(layer: nn.Module, weight: Tensor) -> Tensor:
    """Outputs of ``layer`` with ``weight``, for a few fixed inputs."""
    sizes = (40,) if isinstance(layer, nn.Linear | Own) else (3, *[6] * (weight.dim() - 2))
    x = torch.randn(4, *sizes, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return functional_call(layer, {"weight": weight.clone()}, (x,))


@pytest.mark.parametrize(
    ("style", "zeros"),
    # torch.sign(0) is 0, which is no bit: see below.
    [*((s, False) for s in BINARY), *((s, True) for s in ("ours", "our convolution", "zero is +", "zero is -"))],
)
def test_every_style_of_sign_layer_is_recognised(style: str, zeros: bool) -> None:
    layer = seeded(BINARY[style]())
    if zeros:
        layer.weight.data[0, :3] = 0
    weight, before = layer.weight.detach().clone(), {k: v.clone() for k, v in layer.state_dict().items()}
    bits = binarised(layer, layer.weight)
    assert bits is not None
    assert bits.shape == weight.shape
    assert not bits.requires_grad
    centre = weight.mean((1, 2, 3), keepdim=True) if style == "centred" else torch.zeros(())
    centre = weight.mean() if style == "centred by tensor" else centre
    want = (weight >= 0) if style == "zero is +" else weight > centre
    assert torch.equal(bits > 0, want)
    assert bool((bits != 0).all())
    torch.testing.assert_close(run(layer, bits), run(layer, weight), rtol=1e-5, atol=1e-5)
    assert all(torch.equal(v, before[k]) for k, v in layer.state_dict().items())


@pytest.mark.parametrize("style", BINARY)
def test_what_a_memory_gives_back_is_as_binary_and_every_flipped_bit_counts(style: str) -> None:
    layer = seeded(BINARY[style]())
    bits = binarised(layer, layer.weight)
    assert bits is not None
    draws = torch.rand(bits.shape, generator=torch.Generator().manual_seed(3))
    some, others = draws < 0.2, draws > 0.8
    first, second, both = (torch.where(flipped, -bits, bits) for flipped in (some, others, some | others))
    assert torch.equal(binarised(layer, both), both)
    clean = run(layer, bits)
    assert float((run(layer, first) - clean).abs().max()) > 0.01
    # What flips add up to is the sum of what each does: the layer neither scales them away nor overlooks them.
    apart = (run(layer, first) - clean) + (run(layer, second) - clean)
    torch.testing.assert_close(run(layer, both) - clean, apart, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("style", SCALED)
def test_scales_of_centred_weights_are_met_by_another_magnitude(style: str) -> None:
    """Signs out of balance lower such a scale, so that what is stored has to be larger."""
    layer = seeded(SCALED[style]())
    # Most of a channel a little above its mean, some far below: two thirds of the signs are +.
    layer.weight.data = 0.05 * layer.weight.data + torch.where(torch.arange(40) % 3 > 0, 0.1, -0.2)
    weight = layer.weight.detach().clone()
    bits = binarised(layer, layer.weight)
    assert bits is not None
    assert bool((bits.abs() == bits.abs()[:, :1]).all())
    torch.testing.assert_close(run(layer, bits), run(layer, weight), rtol=1e-5, atol=1e-5)
    # A flipped bit of 280 moves the scale, 4 q (1 - q), by half a percent from q = 2/3 of positive signs.
    flipped = bits.clone()
    flipped[0, 0] *= -1
    torch.testing.assert_close(run(layer, flipped)[:, 1:], run(layer, weight)[:, 1:], rtol=0.01, atol=1e-4)


@pytest.mark.parametrize("mean", [0.03, -0.3])
def test_weights_are_centred_before_their_signs_are_taken(mean: float) -> None:
    layer = seeded(CentredByTensor(40, 7))
    layer.weight.data += mean
    bits = binarised(layer, layer.weight)
    assert bits is not None
    assert torch.equal(bits > 0, layer.weight > layer.weight.mean())
    assert not torch.equal(bits > 0, layer.weight > 0)


def test_the_very_parameter_is_tried_where_two_have_one_shape() -> None:
    layer = seeded(Own(40, 7))
    layer.gain.data = torch.rand(40, 7, generator=torch.Generator().manual_seed(2)) + 0.5
    assert torch.equal(binarised(layer, layer.weight) > 0, layer.weight > 0)
    assert binarised(layer, layer.gain) is None


class Counted(Own):
    """Floats, and a count of how often they are multiplied."""

    runs = 0

    def forward(self, x: Tensor) -> Tensor:
        Counted.runs += 1
        return x @ self.weight


class Unusual(Own):
    """Takes signs, and inputs that nobody can guess."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x @ self.weight.sign() + y


class Pooled(Own):
    """Takes signs, and gives fewer outputs than the rule counts columns."""

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.weight.sign()).mean(1, keepdim=True)


@pytest.mark.parametrize("kind", [Unusual, Pooled, Counted])
def test_registered_layers_that_are_no_linear_ones_are_left_alone(kind: type[Own]) -> None:
    layer = seeded(kind(40, 7))
    assert binarised(layer, layer.weight) is None


def test_a_layer_of_floats_is_told_after_two_runs() -> None:
    layer, Counted.runs = seeded(Counted(40, 7)), 0
    assert binarised(layer, layer.weight) is None
    assert Counted.runs == 2


class Ternary(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        bar = 0.7 * self.weight.abs().mean()
        return F.linear(x, self.weight.sign() * (self.weight.abs() > bar))


class TwoBits(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, (self.weight / self.weight.abs().max() * 2).round() / 2)


class Deaf(nn.Linear):
    """Computes with a copy that it made once, so that no memory could be read through its parameter."""

    def __init__(self, *sizes: int) -> None:
        super().__init__(*sizes)
        self.register_buffer("kept", self.weight.detach().sign())

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.kept)


class Broken(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        raise KeyError("three lines\nof the user's own\nexception")


class MostlySigned(nn.Linear):
    """One row of floats among signs."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, torch.cat([self.weight[:1], self.weight[1:].sign()]))


NOT: dict[str, Callable[[], nn.Module]] = {
    "floats": lambda: nn.Linear(40, 7),
    "one weight an output": lambda: nn.Linear(1, 7),
    "convolution": lambda: nn.Conv2d(3, 5, 3),
    "ternary": lambda: Ternary(40, 7),
    "two bits": lambda: TwoBits(40, 7),
    "deaf": lambda: Deaf(40, 7),
    "broken": lambda: Broken(40, 7),
    "mostly signs": lambda: MostlySigned(40, 7),
    "attention": lambda: nn.MultiheadAttention(8, 2),
    "recurrent": lambda: nn.LSTM(4, 4),
}


@pytest.mark.parametrize("style", NOT)
def test_what_has_more_than_one_bit_is_not_binary(style: str) -> None:
    layer = seeded(NOT[style]())
    for parameter in layer.parameters():
        if parameter.dim() > 1:
            assert binarised(layer, parameter) is None


def test_one_zero_among_signs_makes_three_values() -> None:
    layer = seeded(Signed(400, 10))
    layer.weight.data[3, 5] = 0
    assert binarised(layer, layer.weight) is None


@pytest.mark.parametrize("bad", [0.0, 0.5, float("nan"), float("inf")])
def test_one_weight_of_another_size_is_seen(bad: float) -> None:
    layer = nn.Linear(400, 10)
    layer.weight.data = torch.where(layer.weight.data > 0, 1.0, -1.0)
    assert binarised(layer, layer.weight) is not None
    layer.weight.data[3, 5] = bad
    assert binarised(layer, layer.weight) is None


@pytest.mark.parametrize(
    ("make", "scale"),
    [
        (lambda: nn.Linear(6, 4), (1,)),
        (lambda: nn.Linear(6, 4), (4, 1)),
        (lambda: nn.Conv2d(2, 4, 3), (4, 1, 1, 1)),
        (lambda: nn.ConvTranspose2d(2, 4, 3), (1, 4, 1, 1)),
        (lambda: nn.LSTM(4, 4), (1,)),
        (lambda: nn.Linear(1, 1), (1,)),
    ],
)
def test_plain_layers_of_plus_and_minus_a_are_taken_as_they_are(
    make: Callable[[], nn.Module], scale: tuple[int, ...]
) -> None:
    layer, draws = make(), torch.Generator().manual_seed(1)
    weight = next(p for p in layer.parameters() if p.dim() > 1)
    signs = torch.where(torch.rand(weight.shape, generator=draws) < 0.5, -1.0, 1.0)
    weight.data = signs * (torch.rand(scale, generator=draws) + 0.1)
    assert torch.equal(binarised(layer, weight), weight)


def test_a_magnitude_an_input_is_more_than_a_bit() -> None:
    layer = nn.Linear(6, 4)
    layer.weight.data = torch.tensor([1.0, 1, 1, 1, 1, 2]).expand(4, 6).clone()
    assert binarised(layer, layer.weight) is None
