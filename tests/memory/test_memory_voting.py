"""Votes, flips and duplicates against arrays that are added up cell by cell."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.planes import Arrays, quantised
from reference.varied import layer
from torch import nn

import mho
from mho.devices import Stack, StuckAt
from mho.errors import ModelError, SpecError
from mho.evaluation.bench import Bench
from mho.kernels import votes
from mho.kernels.arrivals import arrivals
from mho.kernels.votes import add_votes, pack, unpack
from mho.mapping import BitPlanes
from mho.memory.redundancy import ECC, BestOf, CellMajority, ClosestValue, Remapping, Voting
from mho.rng import stream_key


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
    found = chips.samplers()["weight"].resolved(0, 1).votes
    assert len(found) > 2
    # Literally: every candidate is a convolution of its own.
    weight, gain = chips.weights(1)["weight"][0].detach(), chips.samplers()["weight"].layout.code.gain
    expected = conv._conv_forward(x, weight, conv.bias)
    for g in range(len(found)):
        candidates = []
        for k in range(3):
            kernel = torch.zeros_like(weight).flatten(1)
            start, end = found.starts[3 * g + k], found.starts[3 * g + k + 1]
            for e in range(start, end):
                kernel[found.column[g], found.row[e]] += float(found.sign[e])
            candidates.append(conv._conv_forward(x, kernel.view(weight.shape), None))
        scale = float(found.scale[g]) * float(gain[found.column[g]])
        expected = expected + scale * torch.stack(candidates).median(0).values
    assert torch.allclose(chip(x), expected, atol=1e-4)
    assert torch.allclose(chip(x[0]), expected[0], atol=1e-4)  # without a batch


@settings(deadline=None, max_examples=60)
@given(
    groups=st.integers(0, 6),
    copies=st.sampled_from([1, 3, 5, 7]),
    most=st.integers(0, 12),
    tokens=st.integers(1, 70),
    dense=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_the_kernel_and_the_dense_way_agree(groups, copies, most, tokens, dense, seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, most + 1, groups * copies)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    row, sign = rng.integers(0, 40, starts[-1]), rng.choice([-1, 1], starts[-1])
    packed = pack(copies, rng.integers(0, 9, groups), rng.random(groups) + 1, starts, row, sign)
    x, out = torch.from_numpy(rng.normal(size=(tokens, 40))), torch.from_numpy(rng.normal(size=(tokens, 9)))
    _, column, scale, starts, entries = unpack(packed)
    expected = out.numpy().copy()
    for t in range(tokens):
        for g in range(groups):
            ends = starts[g * copies : (g + 1) * copies + 1]
            parts = [entries[a:b] for a, b in itertools.pairwise(ends)]
            sums = [sum((1 - 2 * (e & 1)) * float(x[t][e >> 1]) for e in part) for part in parts]
            expected[t][column[g]] += float(scale[g]) * np.median(sums)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(votes, "DENSE", -1.0 if dense else 2.0)
        loops = []
        patch.setattr(votes, "in_parts", lambda *a, kept=votes.in_parts: (loops.append(1), kept(*a)))
        assert np.allclose(add_votes(out.clone(), x, torch.from_numpy(packed)).numpy(), expected, atol=1e-9)
        assert bool(loops) is (groups > 0 and not dense)
        if dense:
            leaf = x.clone().requires_grad_()
            assert add_votes(out, leaf, torch.from_numpy(packed)).requires_grad is (groups > 0)


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


def test_chips_without_votes_may_be_batched():
    model = nn.Sequential(layer(30, 20, 5), nn.ReLU(), layer(4, 30, 6)).eval()
    x = torch.randn(64, 20, generator=torch.Generator().manual_seed(3))
    memory = mho.Memory(device=StuckAt.at_rate(0.01), mapping=BitPlanes(), redundancy=CellMajority())
    bench = Bench(mho.deploy(model, memory), (x, model(x).argmax(-1)), batching="vmap")
    lot = bench.lot(None, 0.0, 5)
    assert lot.plan.vmap
    looped = Bench(mho.deploy(model, memory), (x, model(x).argmax(-1)), batching="loop").lot(None, 0.0, 5)
    assert np.allclose(lot.measure(range(5)), looped.measure(range(5)), atol=1e-6)


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
    assert memory.replace(device=Stack(stages=(StuckAt.at_rate(0.0),))).label  # nothing but stuck cells
    chips = mho.deploy(layer(4, 4, 0), memory)
    with pytest.raises(SpecError, match="leave redundancy= out of its memory"):
        chips.programmed(by_cell=True)


EVERY = [Voting(), Voting(combine="mean"), CellMajority(), BestOf(), Remapping(), ECC(), ClosestValue(), None]


@pytest.mark.parametrize("redundancy", EVERY, ids=lambda r: "none" if r is None else r.label)
@pytest.mark.parametrize("granularity", ["tensor", "channel"])
def test_a_chip_is_one_chip_where_batch_norm_is_folded_into_it(redundancy, granularity):
    """Gammas of both signs, and of zero: the cells hold the same, and so does what redundancy decides by them."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 6)).eval()
    with torch.no_grad():
        model[1].weight.copy_(torch.linspace(-2, 2, 8))
        model[1].weight[3] = 0.0
        model[1].running_var.uniform_(0.5, 2)
        model[0].weight[5] = 0.0
    x = torch.randn(80, 2, 6, 6)
    memory = mho.Memory(
        device=StuckAt.at_rate(0.02), mapping=BitPlanes(granularity=granularity, flip="none"), redundancy=redundancy
    )
    chips = mho.deploy(model, memory)
    target = model(x).argmax(-1)
    measured = mho.evaluate(chips, (x, target), n_chips=8, metric="cross-entropy", show_progress=False).values.ravel()
    one_by_one = [float(nn.functional.cross_entropy(chips.chip(i)(x), target)) for i in range(8)]
    assert np.allclose(measured, one_by_one, rtol=1e-3, atol=1e-4)
    assert chips.weights([])["0.weight"].shape[0] == 0


class Functional(nn.Module):
    """Reads the weight of a layer without calling it."""

    def __init__(self) -> None:
        super().__init__()
        self.f = nn.Linear(6, 5)

    def forward(self, x):
        return nn.functional.linear(x, self.f.weight)


class Signs(nn.Linear):
    def forward(self, x):
        return nn.functional.linear(x.sign(), self.weight)


VOTING = mho.Memory(device=StuckAt.at_rate(0.2), mapping=BitPlanes(), redundancy=Voting())


def test_votes_that_would_not_be_taken_are_refused():
    x, y = torch.randn(9, 6), torch.randint(0, 5, (9,))
    with pytest.raises(ModelError, match="f: the network reads its weight without calling it"):
        mho.evaluate(mho.deploy(Functional().eval(), VOTING), (x, y), n_chips=1, show_progress=False)
    with pytest.raises(ModelError, match="Signs has a forward of its own"):
        mho.deploy(nn.Sequential(Signs(6, 5)).eval(), VOTING)
    attention = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    with pytest.raises(ModelError, match=r"out_proj\.weight: self_attn reads it without calling it"):
        mho.deploy(attention, {"*in_proj*": None, "*": VOTING})


def test_votes_come_before_the_networks_own_hooks_and_take_keywords():
    linear = layer(20, 30, 4)
    x = torch.randn(5, 30)
    plain = mho.deploy(linear, VOTING).chip(3)(x)
    linear.register_forward_hook(lambda _, __, out: 10 * out)
    chip = mho.deploy(linear, VOTING).chip(3)
    assert torch.allclose(chip(x), 10 * plain, atol=1e-4)
    assert torch.allclose(chip(input=x), 10 * plain, atol=1e-4)


def test_the_votes_of_a_chip_are_part_of_its_state():
    model = nn.Sequential(layer(20, 30, 4))
    chip = mho.deploy(model, VOTING).chip(3)
    fresh = nn.Sequential(layer(20, 30, 4))
    with pytest.raises(RuntimeError, match="mho_votes"):
        fresh.load_state_dict(chip.state_dict())
    x = torch.randn(5, 30)
    assert torch.equal(copy.deepcopy(chip)(x), chip(x))
    with pytest.raises(ModelError, match="is a chip whose outputs are voted on; deploy the one it was made of"):
        mho.deploy(chip, VOTING)


def test_columns_of_groups_keep_to_their_own_inputs():
    conv = nn.Conv2d(8, 8, 3, groups=4).eval()
    with torch.no_grad():
        conv.weight[6:] = 0
    described = mho.describe(mho.deploy(conv, VOTING))
    assert described.embeddings[0].missing == 12  # nothing of group 0 in the columns of group 3
    assert "stand in added ones; pruned columns are not used" in str(described)
    with pytest.raises(ModelError, match="columns of a grouped convolution stand in 4 matrices"):
        mho.deploy(conv, VOTING.replace(redundancy=Remapping()))


def test_planes_that_fail_are_listed_once():
    with pytest.raises(SpecError, match="lists a plane twice"):
        BitPlanes(faulty=(7, 7))
