"""Votes, flips and duplicates against arrays that are added up cell by cell."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.planes import Arrays, quantised
from torch import nn

import mho
from mho.devices import RRAM1, Stack, StuckAt
from mho.errors import ModelError, SpecError
from mho.kernels.arrivals import arrivals
from mho.kernels.votes import add_votes, pack
from mho.mapping import BitPlanes
from mho.memory.redundancy import Voting
from mho.rng import stream_key


def layer(columns: int, rows: int, seed: int, pruned: int = 0, idle: int = 0) -> nn.Linear:
    linear = nn.Linear(rows, columns, bias=False).eval()
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        linear.weight.copy_(torch.randn(columns, rows, generator=g) ** 3)
        linear.weight[torch.randperm(columns, generator=g)[:pruned]] = 0
        linear.weight[:, torch.randperm(rows, generator=g)[:idle]] = 0
    return linear


def stuck_cells(rate: float, seed: int, chip: int, planes: int, bits: int, shape: tuple[int, int]) -> np.ndarray:
    """``(planes, 2, columns, rows)``, -1 where a cell works: the same stream, laid out cell by cell."""
    size = shape[0] * shape[1]
    places, _, marks = arrivals(stream_key(seed, "stuck-at", "weight"), chip, 2 * planes * size, rate)
    out = np.full((planes, 2, *shape), -1, np.int64)
    for place, one in zip(places, StuckAt.at_rate(rate).ones(marks), strict=True):
        array, cell = divmod(int(place), size)
        p, negative = (array % bits, array // bits) if array < 2 * bits else divmod(array - 2 * bits, 2)
        p = p if array < 2 * bits else p + bits
        out[p, negative, cell // shape[1], cell % shape[1]] = one
    return out


@settings(deadline=None, max_examples=60)
@given(
    columns=st.integers(1, 9),
    rows=st.integers(1, 12),
    bits=st.integers(2, 6),
    copies=st.sampled_from([1, 3, 5]),
    protected=st.integers(1, 2),
    flip=st.sampled_from(["none", "msb", "all", "auto"]),
    scale=st.sampled_from(["tensor", "channel"]),
    rate=st.sampled_from([1e-3, 1e-2, 0.1, 0.6]),
    combine=st.sampled_from(["median", "mean"]),
    tile=st.sampled_from(["layer", 1, 5]),
    share=st.sampled_from([0.0, 0.3, 0.8]),
    embed=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_a_chip_computes_what_its_arrays_add_up(
    columns, rows, bits, copies, protected, flip, scale, rate, combine, tile, share, embed, seed
):
    linear = layer(columns, rows, seed, pruned=int(share * columns), idle=int(share * rows / 2))
    voting = Voting(copies=copies, planes=protected, combine=combine, scope=tile, embed=embed)
    memory = mho.Memory(
        device=StuckAt.at_rate(rate), mapping=BitPlanes(bits=bits, flip=flip, granularity=scale), redundancy=voting
    )
    sampler = mho.deploy(linear, memory, seed=seed).samplers()["weight"]
    code, layout = sampler.layout.code, sampler.layout
    resolved = sampler.resolved(seed, 3)
    g = torch.Generator().manual_seed(seed + 1)
    x = torch.randn(4, rows, generator=g, dtype=torch.float64)
    # The package's way: one product with changed integers, and medians of errors alone.
    integers = code.integers.astype(np.float64)
    np.add.at(integers, (resolved.column, resolved.row), resolved.steps)
    fast = x @ torch.from_numpy(integers * code.gain[:, None]).T
    if resolved.votes is not None:
        v = resolved.votes
        packed = pack(v.copies, v.column, v.scale * code.gain[v.column], v.starts, v.row, v.sign)
        fast = add_votes(fast, x, torch.from_numpy(packed))
    # The arrays themselves.
    weight = linear.weight.detach().numpy()
    whole, step = quantised(weight, bits, scale == "channel")
    assert np.array_equal(whole, code.integers)
    planes = layout.hosts[0].planes
    stuck = stuck_cells(rate, seed, 3, planes, bits, (columns, rows))
    slots = [(s.plane, s.copy, s.column, s.host_plane, s.host_column) for s in layout.slots]
    arrays = Arrays(whole, bits, code.flipped, planes, slots, stuck)
    times = tuple(voting.plane_copies(bits))
    read, driven = (weight != 0).any(axis=1), (weight != 0).any(axis=0)
    each = rows if tile == "layer" else tile
    slow = [arrays.output(row.numpy(), step, times, tile=each, combine=combine, read=read, driven=driven) for row in x]
    assert np.allclose(fast.numpy(), np.array(slow), rtol=0, atol=1e-9)
    assert (fast.numpy()[:, ~read] == 0).all()


@pytest.mark.parametrize("flip", ["none", "msb", "all", "auto"])
@pytest.mark.parametrize("copies", [1, 3, 5])
@pytest.mark.parametrize("scale", ["tensor", "channel"])
def test_without_stuck_cells_a_chip_is_the_quantised_model(flip, copies, scale):
    model = nn.Sequential(layer(24, 16, 1, pruned=8), nn.ReLU(), layer(5, 24, 2)).eval()
    mapping = BitPlanes(flip=flip, granularity=scale)
    chips = mho.deploy(
        model, mho.Memory(device=StuckAt.at_rate(0.0), mapping=mapping, redundancy=Voting(copies=copies))
    )
    x = torch.randn(7, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(chips.chip(4)(x), chips.ideal()(x))


@pytest.mark.parametrize("flip", ["none", "all"])
@pytest.mark.parametrize("rate", [0.01, 1.0])
def test_a_pruned_column_gives_exactly_nothing_whatever_fails(flip, rate):
    """Duplicates of other columns stand in its cells, and these fail too."""
    linear = layer(32, 20, 3, pruned=12)
    chips = mho.deploy(
        linear, mho.Memory(device=StuckAt.at_rate(rate), mapping=BitPlanes(flip=flip), redundancy=Voting())
    )
    out = chips.chip(0)(torch.randn(6, 20, generator=torch.Generator().manual_seed(1)))
    pruned = (linear.weight == 0).all(1)
    assert int(pruned.sum()) == 12
    assert (out[:, pruned] == 0).all()
    assert (out[:, ~pruned] != 0).any()


def test_one_copy_is_no_vote():
    linear = layer(20, 30, 4)
    plain = mho.Memory(device=StuckAt.at_rate(0.02), mapping=BitPlanes())
    x = torch.randn(5, 30, generator=torch.Generator().manual_seed(2))
    alone, voted = (mho.deploy(linear, m).chip(3)(x) for m in (plain, plain.replace(redundancy=Voting(copies=1))))
    assert torch.allclose(alone, voted, rtol=0, atol=1e-5)


def test_sparse_chips_are_those_of_cells_one_by_one():
    """The same chips as the path that draws every cell, which any device takes."""
    model = nn.Sequential(nn.Conv2d(3, 6, 3), nn.Flatten(), nn.Linear(6 * 16, 7)).eval()
    memory = mho.Memory(device=StuckAt.at_rate(0.02), mapping=BitPlanes(flip="auto", granularity="channel"))
    chips = mho.deploy(model, memory)
    numbers = torch.tensor([0, 5, 2**33])
    fast = chips.weights(numbers)
    for name, programmed in chips.programmed(by_cell=True).items():
        assert torch.allclose(fast[name], programmed.sample(0, numbers), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["conv1d", "conv2d", "grouped", "circular", "strided"])
def test_convolutions_vote_as_linear_layers_on_patches(kind):
    torch.manual_seed(0)
    conv = {
        "conv1d": nn.Conv1d(4, 8, 3, padding=1),
        "conv2d": nn.Conv2d(4, 8, 3),
        "grouped": nn.Conv2d(4, 8, 3, groups=2, padding="same"),
        "circular": nn.Conv2d(4, 8, 3, padding=1, padding_mode="circular"),
        "strided": nn.Conv2d(4, 8, 3, stride=2, dilation=2),
    }[kind].eval()
    memory = mho.Memory(device=StuckAt.at_rate(0.05), mapping=BitPlanes(flip="none"), redundancy=Voting(planes=2))
    chips = mho.deploy(conv, memory)
    x = torch.randn(2, 4, *[9] * (conv.weight.dim() - 2))
    chip = chips.chip(1)
    votes = chips.samplers()["weight"].resolved(0, 1).votes
    assert len(votes) > 2
    # Literally: every candidate is a convolution of its own.
    weight, gain = chips.weights(1)["weight"][0].detach(), chips.samplers()["weight"].layout.code.gain
    expected = conv._conv_forward(x, weight, conv.bias)
    for g in range(len(votes)):
        candidates = []
        for k in range(3):
            kernel = torch.zeros_like(weight).flatten(1)
            start, end = votes.starts[3 * g + k], votes.starts[3 * g + k + 1]
            for e in range(start, end):
                kernel[votes.column[g], votes.row[e]] += float(votes.sign[e])
            candidates.append(conv._conv_forward(x, kernel.view(weight.shape), None))
        scale = float(votes.scale[g]) * float(gain[votes.column[g]])
        expected = expected + scale * torch.stack(candidates).median(0).values
    assert torch.allclose(chip(x), expected, atol=1e-4)


@settings(deadline=None, max_examples=40)
@given(
    groups=st.integers(0, 6), copies=st.sampled_from([1, 3, 5, 7]), most=st.integers(0, 30), seed=st.integers(0, 10**6)
)
def test_the_kernel_and_the_dense_way_agree(groups, copies, most, seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, most + 1, groups * copies)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    row, sign = rng.integers(0, 40, starts[-1]), rng.choice([-1, 1], starts[-1])
    packed = torch.from_numpy(pack(copies, rng.integers(0, 9, groups), rng.random(groups) + 1, starts, row, sign))
    x, out = torch.from_numpy(rng.normal(size=(2, 3, 40))), torch.from_numpy(rng.normal(size=(2, 3, 9)))
    _, column, scale, starts, entries = __import__("mho.kernels.votes", fromlist=["unpack"]).unpack(packed.numpy())
    expected = out.numpy().copy()
    for t in np.ndindex(2, 3):
        for g in range(groups):
            sums = [
                sum(
                    (1 - 2 * (e & 1)) * float(x[t][e >> 1])
                    for e in entries[starts[g * copies + k] : starts[g * copies + k + 1]]
                )
                for k in range(copies)
            ]
            expected[t][column[g]] += float(scale[g]) * np.median(sums)
    assert np.allclose(add_votes(out.clone(), x, packed).numpy(), expected, atol=1e-9)
    leaf = x.clone().requires_grad_()  # takes the way of dense products
    assert np.allclose(add_votes(out, leaf, packed).detach().numpy(), expected, atol=1e-9)


def test_evaluation_is_the_same_however_chips_are_batched():
    model = nn.Sequential(layer(30, 20, 5, pruned=9), nn.ReLU(), layer(4, 30, 6)).eval()
    x = torch.randn(64, 20, generator=torch.Generator().manual_seed(3))
    memory = mho.Memory(device=StuckAt.at_rate(0.01), mapping=BitPlanes(), redundancy=Voting())
    chips = mho.deploy(model, memory)
    data = (x, model(x).argmax(-1))
    whole = mho.evaluate(chips, data, n_chips=12, show_progress=False).values
    parts = [
        mho.evaluate(chips, data, n_chips=3, first_chip=i, batch_size=10, show_progress=False).values
        for i in (0, 3, 6, 9)
    ]
    assert np.array_equal(whole, np.concatenate(parts, axis=-1))
    one_by_one = [float((chips.chip(i)(x).argmax(-1) == data[1]).float().mean()) for i in range(12)]
    assert np.allclose(whole.ravel(), one_by_one)
    vmapped = mho.evaluate(chips, data, n_chips=12, batching="vmap", show_progress=False).values
    assert np.allclose(whole, vmapped, atol=1 / 64)


def test_what_cannot_vote_is_said_in_one_line():
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2)

    memory = mho.Memory(device=StuckAt.at_rate(0.01), mapping=BitPlanes(), redundancy=Voting())
    with pytest.raises(ModelError, match="outputs of a MultiheadAttention cannot be voted on"):
        mho.deploy(Attention().eval(), memory)
    with pytest.raises(SpecError, match="copies=4 must be odd"):
        Voting(copies=4)
    with pytest.raises(SpecError, match="bits=1 must be 2 to 15"):
        BitPlanes(bits=1)
    with pytest.raises(SpecError, match="planes=9 must be at most the 8"):
        mho.Memory(device=StuckAt.at_rate(0.01), mapping=BitPlanes(), redundancy=Voting(planes=9))
    with pytest.raises(SpecError, match="give mapping=BitPlanes"):
        mho.Memory(device=StuckAt.at_rate(0.01), redundancy=Voting())
    noisy = Stack(stages=(RRAM1(sigma=0.1), StuckAt.at_rate(0.01)))
    chips = mho.deploy(layer(4, 4, 0), memory.replace(device=noisy))
    with pytest.raises(SpecError, match="is for cells that are stuck and nothing else"):
        chips.weights(0)
    chips = mho.deploy(layer(4, 4, 0), memory)
    with pytest.raises(SpecError, match="leave redundancy= out of its memory"):
        chips.programmed(by_cell=True)
