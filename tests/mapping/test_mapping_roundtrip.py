"""Numbers to cells and back: exact, for every encoding, width, granularity and shape."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import cells

from mho.errors import SpecError
from mho.mapping import Analog, BitPlanes, Differential, Mapping, Offset, SlicedMagnitude

SLICED = (SlicedMagnitude, Differential, Offset)
WIDTHS = [(m, k) for m in range(2, 17) for k in range(1, m + 1) if m % k == 0]
ROUNDING = 2.0**-22
"""Float32 carries 24 bits; the quotient, the step and the product round once each."""


@st.composite
def tensors(draw) -> torch.Tensor:
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    size = draw(st.sampled_from([1e-20, 1e-3, 1.0, 1e20]))
    weight = torch.randn(shape, generator=generator) * size
    return weight.masked_fill(torch.rand(shape, generator=generator) < draw(st.sampled_from([0, 0.3, 1.0])), 0.0)


@st.composite
def mappings(draw) -> Mapping:
    bits, cell_bits = draw(st.sampled_from(WIDTHS))
    kind = draw(st.sampled_from(SLICED))
    return kind(weight_bits=bits, cell_bits=cell_bits, granularity=draw(st.sampled_from(["tensor", "channel"])))


def steps(mapping: Mapping) -> int:
    """Integers between zero and the full scale."""
    return mapping.zero if isinstance(mapping, Offset) else mapping.top


@settings(max_examples=150, deadline=None)
@given(mapping=mappings(), weight=tensors(), data=st.data())
def test_cells_hold_exactly_the_nearest_integers(mapping, weight: torch.Tensor, data) -> None:
    channel = data.draw(st.integers(0, weight.dim() - 1))
    scale = mapping.full_scale(weight, channel)
    exact = weight.double() / scale.double() * steps(mapping)
    decoded = mapping.quantise(weight, channel).double() / scale.double() * steps(mapping)
    integers = decoded.round()
    assert (decoded - integers).abs().max() <= ROUNDING * steps(mapping), "not a whole number of steps"
    assert (integers - exact).abs().max() <= 0.5 + ROUNDING * steps(mapping), "not the nearest"
    again = mapping.quantise(mapping.quantise(weight, channel), channel).double() / scale.double() * steps(mapping)
    assert torch.equal(again.round(), integers), "quantising twice is quantising once"


@settings(max_examples=60, deadline=None)
@given(mapping=mappings(), weight=tensors())
def test_levels_are_the_digits_of_the_python_integers(mapping, weight: torch.Tensor) -> None:
    mapping = mapping.replace(granularity="tensor")
    bits, cell_bits = mapping.weight_bits, mapping.cell_bits
    scale = float(mapping.full_scale(weight, 0))
    levels = mapping.encode(weight).levels.flatten(1).double().T * (2**cell_bits - 1)
    for value, found in zip(weight.flatten().tolist(), levels, strict=True):
        if isinstance(mapping, Offset):
            wanted = [cells.offset(value, scale, bits)]
        elif isinstance(mapping, Differential):
            integer = cells.magnitude(value, scale, bits)
            wanted = [integer, 0] if value >= 0 else [0, integer]
        else:
            wanted = [cells.magnitude(value, scale, bits)]
        assert (found - found.round()).abs().max() < 1e-2, "not a level of the cell"
        held = found.round().view(len(wanted), -1).int().tolist()
        numbers = [cells.undigits(d, cell_bits) for d in held]
        # Half-way cases may round to either side: the quotient is in single precision here, in double there.
        assert all(abs(n - w) <= 1 for n, w in zip(numbers, wanted, strict=True))
        assert held == [cells.digits(n, bits, cell_bits) for n in numbers]


@pytest.mark.parametrize("kind", [*SLICED, Analog])
@pytest.mark.parametrize("granularity", ["tensor", "channel"])
@pytest.mark.parametrize("shape", [(1,), (3, 1), (2, 3, 4)])
def test_all_zero_weights_stay_zero(kind, granularity: str, shape: tuple[int, ...]) -> None:
    assert torch.equal(kind(granularity=granularity).quantise(torch.zeros(shape)), torch.zeros(shape))


@pytest.mark.parametrize("kind", [*SLICED, Analog])
def test_one_weight_is_its_own_full_scale(kind) -> None:
    for value in (0.3, -7.0):
        assert kind().quantise(torch.tensor([[value]])).item() == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("cell_bits", [1, 2, 4, 8])
@pytest.mark.parametrize("kind", SLICED)
def test_the_gain_is_exactly_one(kind, cell_bits: int) -> None:
    """Peer trap 2: products with the programmed matrix had another gain than its read-back (33 % at 2 bits)."""
    mapping = kind(weight_bits=8, cell_bits=cell_bits)
    weight = torch.linspace(-1, 1, 2 * steps(mapping) + 1)[None]  # every representable number once
    read_back = mapping.quantise(weight)
    torch.testing.assert_close(read_back, weight, rtol=0, atol=1e-6)
    product = read_back.T @ torch.eye(1)
    assert torch.equal(product.T, read_back)
    slope = (read_back * weight).sum() / (weight * weight).sum()
    assert float(slope) == pytest.approx(1, abs=1e-6)


def test_channels_have_their_own_full_scale() -> None:
    weight = torch.tensor([[1.0, 0.5], [0.001, 0.0002]])
    fine = SlicedMagnitude(granularity="channel").quantise(weight)
    coarse = SlicedMagnitude().quantise(weight)
    assert torch.equal(coarse[1], torch.zeros(2)), "below half a step of the tensor's scale"
    assert fine[1, 0].item() == pytest.approx(0.001, rel=1e-6)
    by_column = SlicedMagnitude(granularity="channel").full_scale(weight, 1)
    assert by_column.tolist() == [[1.0, 0.5]]
    assert SlicedMagnitude(granularity="channel").full_scale(weight, -1).tolist() == [[1.0, 0.5]]


@pytest.mark.parametrize(
    ("mapping", "per_weight", "kappa"),
    [  # cells a weight, and sqrt(sum of squared coefficients) in multiples of the full scale, by hand
        (SlicedMagnitude(weight_bits=8, cell_bits=2), 4, math.sqrt(1 + 16 + 256 + 4096) * 3 / 255),
        (SlicedMagnitude(weight_bits=4, cell_bits=4), 1, 1.0),
        (Differential(weight_bits=8, cell_bits=2), 8, math.sqrt(2 * (1 + 16 + 256 + 4096)) * 3 / 255),
        (Offset(weight_bits=8, cell_bits=2), 4, math.sqrt(1 + 16 + 256 + 4096) * 3 / 127),
        (Analog(), 1, 1.0),
    ],
)
def test_cells_and_kappa_by_hand(mapping: Mapping, per_weight: int, kappa: float) -> None:
    assert mapping.cells_per_weight == per_weight == len(mapping.encode(torch.ones(2, 2)).levels)
    assert mapping.kappa == pytest.approx(kappa, rel=1e-12)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: SlicedMagnitude(weight_bits=8, cell_bits=3), "not divisible by cell_bits=3; cell_bits may be 1, 2, 4"),
        (lambda: SlicedMagnitude(weight_bits=0), "weight_bits=0 must be 1 to 16"),
        (lambda: SlicedMagnitude(weight_bits=17, cell_bits=1), "must be 1 to 16"),
        (lambda: SlicedMagnitude(cell_bits=0), "cell_bits=0 must be 1 to weight_bits=8"),
        (lambda: Differential(weight_bits=2, cell_bits=4), "must be 1 to weight_bits=2"),
        (lambda: Offset(weight_bits=1, cell_bits=1), "one bit is taken by the sign"),
        (lambda: SlicedMagnitude(weight_bits=8.0), "is a float; it takes an integer"),
        (lambda: SlicedMagnitude(granularity="row"), "it takes 'tensor' or 'channel'"),
        (lambda: SlicedMagnitude(clip_negative="False"), "is a str; it takes true or false"),
        (lambda: SlicedMagnitude().replace(bits=4), "has no field 'bits': did you mean 'cell_bits'"),
    ],
)
def test_what_does_not_slice_is_one_line(make, says: str) -> None:
    with pytest.raises(SpecError) as error:
        make()
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("flip", ["none", "msb", "all", "auto"])
@pytest.mark.parametrize("granularity", ["tensor", "channel"])
@pytest.mark.parametrize("channel_dim", [0, 1])
@pytest.mark.parametrize("clip", [None, 2.0])
def test_planes_hold_the_integers_that_they_quantise_to(flip, granularity, channel_dim, clip) -> None:
    """Three ways to the same weights: cell by cell, in one go, and integers times steps; pruned ones exactly zero."""
    weight = torch.randn(6, 5, 3, generator=torch.Generator().manual_seed(0))
    weight.select(channel_dim, 2).zero_()
    weight[:, :, 1] = 0
    mapping = BitPlanes(bits=6, flip=flip, granularity=granularity, clip=clip)
    encoded, code = mapping.encode(weight, channel_dim), mapping.code(weight, channel_dim)
    assert set(encoded.levels.unique().tolist()) == {0.0, 1.0}
    whole = encoded.decode(encoded.levels)
    assert torch.equal(whole, mapping.quantise(weight, channel_dim))
    made = torch.from_numpy(code.integers.astype("float32") * code.gain[:, None])
    assert torch.equal(made, torch.from_numpy(code.geometry.matrix(whole.numpy())))
    assert (whole[weight == 0] == 0).all()
    scale = mapping.full_scale(weight, channel_dim).expand_as(weight)
    error, beyond = (whole - weight).abs(), weight.abs() > scale
    assert (error <= 0.5001 * scale / mapping.top)[~beyond].all()
    assert torch.allclose(whole[beyond].abs(), scale[beyond])
    assert bool(beyond.any()) is (clip is not None)
    column = torch.arange(weight.numel()).numpy()
    back = code.geometry.join(*code.geometry.split(column))
    assert (back == column).all()
