"""Redundancy on cells that vary, drift, are noisy and stuck, against arrays that are added up cell by cell."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import redundancies as slow
from reference.varied import Chip, layer, sampler_of
from torch import nn

from mho.devices import RRAM1, LogNormal, PowerLawDrift, ReadNoise, Stack, StuckAt
from mho.mapping import BitPlanes
from mho.memory import Memory, deploy
from mho.memory.redundancy import ECC, BestOf, CellMajority, ClosestValue, Redundancy, Remapping, Voting
from mho.memory.varied import Varied
from mho.programming import OpenLoop, Scheme, WriteVerify
from mho.rng import Draws

AGE = 100.0
NOISE = ReadNoise(q=0.1)
DEVICES = {
    "varied": RRAM1(sigma=0.2),
    "varied and stuck": Stack(stages=(RRAM1(sigma=0.2), StuckAt.at_rate(0.1))),
    "all": Stack(stages=(LogNormal(sigma=0.3), PowerLawDrift(nu=0.05, nu_std=0.02), StuckAt.at_rate(0.1), NOISE)),
    "stuck and noisy": Stack(stages=(StuckAt.at_rate(0.3), NOISE)),
}
SCHEMES: list[Scheme] = [
    OpenLoop(),
    WriteVerify(tolerance=0.1, max_cycles=6),
    WriteVerify(tolerance=0.1, model="pulse"),
]
ANALOG = [
    Voting(),
    Voting(copies=5, planes=2, scope=3),
    Voting(embed=False),
    Voting(combine="mean", copies=2, planes=2),
    BestOf(),
    Remapping(along="both"),
    Remapping(along="rows"),
    ClosestValue(),
]
DIGITAL = [CellMajority(), CellMajority(copies=5, planes=3, embed=False), ECC(data_bits=4), ECC(data_bits=7, planes=2)]


def twin(sampler: Varied, seed: int, chip: int) -> Chip:
    """The same chip, cell by cell."""
    layout, redundancy = sampler.faulty.layout, sampler.faulty.redundancy
    code = layout.code
    faults = layout.faults(sampler.faulty.device, seed, chip)
    known = redundancy if redundancy is not None and redundancy.known_map else CellMajority()
    columns, rows = code.integers.shape
    cells, bits = known.rewritten(faults, code) or ((np.empty(0, int),) * 4, np.empty(0, int))
    return Chip(
        code,
        [(s.plane, s.copy, s.column, s.host_plane, s.host_column) for s in layout.slots],
        layout.hosts[0].planes,
        places=tuple(at.tolist() for at in known.places(faults, code) or (np.arange(columns), np.arange(rows))),
        rewritten=dict(zip(zip(*(c.tolist() for c in cells), strict=True), bits.tolist(), strict=True)),
        extra=redundancy.extra_levels(code).tolist() if redundancy is not None else [],
        device=sampler.programmed.device,
        scheme=sampler.programmed.scheme,
        age=sampler.programmed.age,
        seed=seed,
        name=layout.layer,
        chip=chip,
    )


shapes = given(
    columns=st.integers(1, 7),
    rows=st.integers(1, 7),
    bits=st.integers(3, 5),
    flip=st.sampled_from(["none", "msb", "all", "auto"]),
    scale=st.sampled_from(["tensor", "channel"]),
    share=st.sampled_from([0.0, 0.4]),
    device=st.sampled_from(sorted(DEVICES)),
    scheme=st.sampled_from(range(len(SCHEMES))),
    which=st.integers(0, 7),
    seed=st.integers(0, 10**6),
)


def deployed(columns, rows, bits, flip, scale, share, device, scheme, redundancy, seed):
    linear = layer(columns, rows, seed, pruned=int(share * columns), idle=int(share * rows / 2))
    memory = Memory(
        device=DEVICES[device],
        mapping=BitPlanes(bits=bits, flip=flip, granularity=scale),
        programming=SCHEMES[scheme],
        redundancy=redundancy,
    )
    chips = deploy(linear, memory, seed=seed)
    return linear, chips, chips.samplers(age=AGE)["weight"]


@settings(deadline=None, max_examples=70)
@shapes
def test_columns_are_added_up_with_the_errors_of_every_cell(
    columns, rows, bits, flip, scale, share, device, scheme, which, seed
) -> None:
    redundancy = ANALOG[which % len(ANALOG)]
    linear, chips, sampler = deployed(columns, rows, bits, flip, scale, share, device, scheme, redundancy, seed)
    code, cells, copies = sampler.faulty.layout.code, twin(sampler, seed, 3), redundancy.plane_copies(bits)
    faults = sampler.faulty.layout.faults(sampler.faulty.device, seed, 3)
    stuck = slow.stuck_cells(faults)

    def taken(plane: int, column: int, candidates: list[float]) -> float:
        if isinstance(redundancy, Voting):
            return float(np.median(candidates) if redundancy.votes else np.mean(candidates))
        if len(candidates) == 1:
            return candidates[0]
        wrong = [0] * len(candidates)
        for (b, k, s, c, r), v in stuck.items():
            wrong[k] += (b, c) == (plane, column) and slow.meant(code, b, s, c, r) != v
        return candidates[wrong.index(min(wrong))]

    tile = redundancy.tile or rows
    g = torch.Generator().manual_seed(seed + 1)
    x = torch.randn(3, rows, generator=g, dtype=torch.float64)
    expected = np.array([cells.output(row.numpy(), tile, taken, copies) for row in x])
    found = chips.chip(3, age=AGE).double()(x).detach().numpy()
    assert np.abs(found - expected).max() < 1e-5 * max(1.0, float(linear.weight.detach().abs().max()))
    assert (found[:, ~code.read_columns] == 0).all()


@settings(deadline=None, max_examples=40)
@shapes
def test_cells_that_are_read_one_by_one_are_right_or_wrong(
    columns, rows, bits, flip, scale, share, device, scheme, which, seed
) -> None:
    redundancy = DIGITAL[which % len(DIGITAL)]
    _, _, sampler = deployed(columns, rows, bits, flip, scale, share, device, scheme, redundancy, seed)
    code, read = sampler.faulty.layout.code, twin(sampler, seed, 2).bits()
    if isinstance(redundancy, ECC):
        expected = slow.ecc(read, code, redundancy.data_bits, redundancy.planes or bits)
    else:
        expected = slow.majority(read, code, redundancy.plane_copies(bits))
    found = sampler.sample(seed, torch.tensor([2]))[0].double().numpy()
    assert np.allclose(found, expected * code.gain[:, None], rtol=0, atol=1e-5 * float(np.abs(code.gain).max()))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(2, 4), st.sampled_from(["none", "msb", "all"]))
def test_closest_values_are_written_as_bits_that_stuck_cells_allow(seed, rows, bits, flip) -> None:
    linear = layer(3, rows, seed)
    device = Stack(stages=(RRAM1(sigma=0.0), StuckAt.at_rate(0.5)))
    sampler = sampler_of(
        linear, Memory(device=device, mapping=BitPlanes(bits=bits, flip=flip), redundancy=ClosestValue())
    )
    code, faults = sampler.faulty.layout.code, sampler.faulty.layout.faults(sampler.faulty.device, 0, 0)
    cells, held = ClosestValue().rewritten(faults, code)
    written = dict(zip(zip(*(c.tolist() for c in cells), strict=True), held.tolist(), strict=True))
    stuck, off = slow.stuck_cells(faults), slow.closest(faults, code)
    for c, r in slow.read_cells(code):
        stored = [
            [stuck.get((b, 0, s, c, r), written.get((s, b, c, r), slow.meant(code, b, s, c, r))) for b in range(bits)]
            for s in (0, 1)
        ]
        assert abs(slow.value(code, stored) - int(code.integers[c, r])) == off[c, r]
        for s in (0, 1):
            for b in range(bits):
                # What is written agrees with what is stuck, so that cells hold the value that was found.
                assert written.get((s, b, c, r), stored[s][b]) == stored[s][b]


# ---------------------------------------------------------------------------------------------------- the same chips


@pytest.mark.parametrize("redundancy", [*ANALOG, *DIGITAL], ids=lambda r: f"{type(r).__name__} {r.label}")
def test_without_variation_a_chip_is_that_of_stuck_cells_alone(redundancy: Redundancy) -> None:
    model = nn.Sequential(layer(24, 18, 1, pruned=8, idle=3), nn.ReLU(), layer(5, 24, 2)).eval()
    stuck = StuckAt.at_rate(0.03)
    sparse = Memory(device=stuck, mapping=BitPlanes(), redundancy=redundancy)
    dense = sparse.replace(device=Stack(stages=(RRAM1(sigma=0.0), stuck)))
    x = torch.randn(9, 18, generator=torch.Generator().manual_seed(0))
    for chip in (0, 2**33 + 5):
        one, other = (deploy(model, m) for m in (sparse, dense))
        for name in one.placements:
            assert torch.equal(one.weights(chip)[name], other.weights(chip)[name])
        assert torch.allclose(one.chip(chip)(x), other.chip(chip)(x), rtol=0, atol=1e-4)


@pytest.mark.parametrize("redundancy", [BestOf(), Remapping(), ClosestValue(), Voting(), Voting(combine="mean")])
@pytest.mark.parametrize("scheme", SCHEMES[:2], ids=lambda s: type(s).__name__)
def test_bits_stand_in_the_cells_that_they_have_without_redundancy(redundancy: Redundancy, scheme: Scheme) -> None:
    """Of voting planes that are not voted on: the top one is ideal in the memory beside."""
    conv = nn.ConvTranspose2d(6, 4, 2, bias=False) if not redundancy.votes else nn.Conv2d(4, 6, 2, bias=False)
    faulty = tuple(range(7)) if isinstance(redundancy, Voting) else "all"
    memory = Memory(device=RRAM1(sigma=0.2), mapping=BitPlanes(faulty=faulty), programming=scheme)
    chips = torch.tensor([0, 7])
    plain = deploy(conv.eval(), memory).programmed(by_cell=True)["weight"].sample(0, chips)
    found = deploy(conv.eval(), memory.replace(redundancy=redundancy)).weights(chips)["weight"]
    assert torch.allclose(found, plain, rtol=0, atol=2e-6)
    assert not torch.allclose(found[0], found[1], atol=1e-2)


def test_duplicates_in_the_columns_of_another_layer_have_the_cells_there() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = layer(3, 4, 1), layer(9, 4, 2, pruned=6)

    voting = Voting(combine="mean", copies=2, pools=(("a", "b"),))
    memory = Memory(device=RRAM1(sigma=0.1), mapping=BitPlanes(faulty="msb", flip="none"), redundancy=voting)
    chips = deploy(Pair().eval(), memory, seed=4)
    samplers, ideal = chips.samplers(), chips.ideal()
    layout = samplers["a.weight"].faulty.layout
    assert {slot.host for slot in layout.slots} == {"b.weight"}
    number = torch.tensor([5])

    def errors(name: str, columns: int) -> torch.Tensor:
        draws = Draws(4, name, number, (16, columns, 4), torch.device("cpu"))
        return 0.1 * draws.normal("programming")[0]

    own, there = errors("a.weight", 3), errors("b.weight", 9)
    off = torch.stack([(own[7] - own[15])[s.column] + (there[s.host_plane] - there[8 + s.host_plane])[s.host_column]
                       for s in sorted(layout.slots, key=lambda s: s.column)])  # fmt: skip
    step = torch.from_numpy(layout.code.gain)[:, None]
    found = chips.weights(5)["a.weight"][0] - ideal.a.weight
    assert torch.allclose(found, 64 * step * off, atol=1e-5)
    # Every cell is charged once, to the layer whose bit it holds.
    assert sum(s.cost.cells for s in samplers.values()) == sum(s.faulty.layout.cells for s in samplers.values())
    assert samplers["a.weight"].cost.cells == 2 * 9 * 12


def test_another_write_varies_anew_and_leaves_stuck_cells() -> None:
    linear, device = layer(20, 20, 3), Stack(stages=(RRAM1(sigma=1e-4), StuckAt.at_rate(0.05)))
    sampler = sampler_of(linear, Memory(device=device, mapping=BitPlanes(), redundancy=BestOf()))
    first, again = (s.sample(0, torch.tensor([1])) for s in (sampler, sampler.rewritten(2)))
    assert not torch.equal(first, again)
    assert torch.allclose(first, again, atol=1e-2 * float(linear.weight.detach().abs().max()))
    assert (first - linear.weight).abs().max() > 0.1 * linear.weight.abs().max()
