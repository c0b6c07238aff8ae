"""Skyrmions live as in the literal loop, number for number and in distribution; what is kept and what is not."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import skyrmions as literal
from scipy import stats

from mho.devices.nanowires import Nanowires, cut
from mho.devices.position_codes import GROGU
from mho.devices.skyrmion import Skyrmion
from mho.errors import SpecError
from mho.mapping import codes
from mho.mapping.base import program
from mho.mapping.tracks import Tracks
from mho.rng import Draws, stream_key
from mho.spec import from_dict
from mho.testing import check_device


def draws(cells: int, chips: list[int], seed: int = 0) -> Draws:
    return Draws(seed, "w", torch.tensor(chips), (1, cells), torch.device("cpu"))


def life(device: Skyrmion, wires: Nanowires, bits: torch.Tensor, age: int, chips: list[int] | None = None, seed=0):
    """``(chips, cells)`` of 0 and 1."""
    chips = [0] if chips is None else chips
    level = bits.float().view(1, -1)
    read = device.on_tracks(wires).written_and_read(level, draws(wires.cells, chips, seed), age)
    return read.expand(len(chips), 1, wires.cells)[:, 0].int()


def random_bits(n: int, seed: int = 0, ones: float = 0.5) -> torch.Tensor:
    return (torch.rand(n, generator=torch.Generator().manual_seed(seed)) < ones).int()


@st.composite
def devices(draw) -> Skyrmion:
    rate = st.sampled_from([0.0, 0.01, 0.1, 0.4])
    return Skyrmion(
        slip_rate=draw(st.sampled_from([0.0, 0.05, 0.5, 1.0])),
        individual_rate=draw(rate),
        annihilation_rate=draw(st.sampled_from([0.0, 0.01, 0.1, 0.2])),
        edge_factor=draw(st.sampled_from([0.0, 1.0, 3.0])),
        nucleation_rate=draw(rate),
        passes=draw(st.integers(1, 2)),
        read_order=draw(st.sampled_from(["progressive", "block"])),
        fill=draw(st.sampled_from(["zero", "edge"])),
        margin=draw(st.sampled_from([None, 1, 2])),
        rewind=draw(st.sampled_from(["free", "faulty"])),
    )


@st.composite
def layouts(draw) -> Nanowires:
    """Ragged tracks, several ports, bits in any order, and tracks in lockstep."""
    rows, columns, bits = draw(st.integers(1, 3)), draw(st.integers(1, 11)), draw(st.integers(1, 8))
    places = None
    if draw(st.booleans()):
        generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
        places = torch.randperm(rows * columns, generator=generator).numpy()
    wires = cut(rows, columns, bits, ports=draw(st.integers(1, 3)), places=places)
    if draw(st.booleans()) and wires.tracks > 1 and columns % bits == 0:
        return Nanowires(
            starts=wires.starts,
            places=wires.places,
            shifts=wires.shifts[: (wires.tracks + 1) // 2],
            bits=wires.bits,
            segment=wires.segment,
            planes=wires.planes[: (wires.tracks + 1) // 2],
        )
    return wires


@settings(max_examples=100, deadline=None)
@given(device=devices(), wires=layouts(), age=st.integers(1, 4), chip=st.sampled_from([0, 7, 2**33]))
def test_number_for_number_what_the_literal_loop_reads(device: Skyrmion, wires: Nanowires, age: int, chip: int) -> None:
    bits = random_bits(wires.cells)
    found = life(device, wires, bits, age, [3, chip], seed=5)[1].tolist()
    keys = stream_key(5, "skyrmion slips", "w"), stream_key(5, "skyrmions", "w")
    places = wires.places if len(wires.places) else np.arange(wires.cells)
    margin = device.margin or max(1, wires.bits - 1)
    for t in range(wires.tracks):
        mine = places[wires.starts[t] : wires.starts[t + 1]].tolist()
        track = literal.Track(bits[mine].tolist(), int(wires.shifts[t % wires.units]), wires.segment)
        end = 2 * track.shifts * age * device.passes
        chance = literal.Addressed(device, len(mine), end, keys, (t % wires.units, t), chip)
        wanted = literal.read(track, device, age * device.passes, margin, chance)
        assert [found[i] for i in mine] == wanted


LAWS = [
    Skyrmion(slip_rate=0.08, individual_rate=0.1, annihilation_rate=0.05, edge_factor=2.0, nucleation_rate=0.06),
    Skyrmion(individual_rate=0.15, read_order="block"),
    Skyrmion(slip_rate=0.2, annihilation_rate=0.04, fill="edge", rewind="faulty", margin=1),
    Skyrmion(slip_rate=0.05, individual_rate=0.05, nucleation_rate=0.02, passes=2, fill="edge"),
]


@pytest.mark.parametrize("device", LAWS, ids=range(len(LAWS)))
def test_words_are_read_as_often_as_by_the_literal_loop(device: Skyrmion) -> None:
    """Two samples of one law: chi-square over all words of a track, below the quantile of one in ten thousand."""
    word, age, ours, theirs = [1, 0, 1, 1, 0], 3, 40_000, 4_000
    wires = cut(ours, len(word), len(word))
    found = Counter(map(tuple, life(device, wires, torch.tensor(word * ours), age).view(-1, len(word)).tolist()))
    dice = literal.Dice(device, 0)
    track, margin = literal.Track(word, 4, 5), device.margin or 4
    wanted = Counter(tuple(literal.read(track, device, age * device.passes, margin, dice)) for _ in range(theirs))
    words = sorted(set(found) | set(wanted))
    counts = np.array([[found[w] for w in words], [wanted[w] for w in words]])
    rare = counts.sum(0) < 110  # ten expected in the smaller sample
    counts = np.column_stack([counts[:, ~rare], counts[:, rare].sum(1)])
    counts = counts[:, counts.sum(0) > 0]
    assert counts.shape[1] > 5
    assert stats.chi2_contingency(counts).pvalue > 1e-4


def test_survival_is_the_power_of_the_rate() -> None:
    """Away from the ends (1 - p)^n, at the ends with p times the edge factor; four standard errors of the count."""
    device = Skyrmion(annihilation_rate=0.003, edge_factor=5.0)
    tracks, bits, age = 5000, 8, 20
    wires = cut(tracks, bits, bits)
    alive = life(device.replace(read_order="block"), wires, torch.ones(wires.cells), age).view(tracks, bits).double()
    n = int(device.shifts(wires, age))
    assert n == 20 * 7
    for domains, survives in ((slice(1, -1), device.survival(n)), ([0, -1], (1 - 0.015) ** n)):
        sample = alive[:, domains]
        error = math.sqrt(survives * (1 - survives) / sample.numel())
        assert abs(float(sample.mean()) - survives) < 4 * error
    by_position = life(device.replace(edge_factor=1.0), wires, torch.ones(wires.cells), age).view(tracks, bits)
    for k, mean in enumerate(by_position.double().mean(0).tolist()):
        survives = device.survival((age - 1) * 7 + k)  # position k is read after shift k of the last pass
        assert abs(mean - survives) < 4 * math.sqrt(survives * (1 - survives) / tracks)


def test_empty_domains_fill_as_full_ones_empty() -> None:
    """Nucleation alone is annihilation with the parts of 0 and 1 exchanged."""
    wires = cut(4000, 6, 6)
    filled = life(Skyrmion(nucleation_rate=0.01, read_order="block"), wires, torch.zeros(wires.cells), 10).double()
    empty = 0.99**50
    assert abs(float(1 - filled.mean()) - empty) < 4 * math.sqrt(empty * (1 - empty) / wires.cells)


def test_an_offset_walks_like_a_racetrack_s() -> None:
    """Of slips alone, P(offset != 0) after n shifts is that of a walk that stands still with probability 1 - p."""
    p, bits, age = 0.02, 9, 5
    wires = cut(20_000, bits, bits)
    device = Skyrmion(slip_rate=p, read_order="block", margin=1000)
    middle = torch.zeros(wires.tracks, bits)
    middle[:, 4] = 1
    read = life(device, wires, middle, age).view(wires.tracks, bits)
    n = age * (bits - 1)
    phase = np.linspace(0, 2 * np.pi, 4096, endpoint=False)
    still = float(np.mean((1 - p + p * np.cos(phase)) ** n))
    found = float((read[:, 4] == 1).double().mean())
    assert abs(found - still) < 4 * math.sqrt(still * (1 - still) / wires.tracks)
    left, right = int(read[:, :4].sum()), int(read[:, 5:].sum())
    assert abs(left - right) < 4 * math.sqrt(left + right)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    bits=st.integers(2, 12),
    rate=st.floats(0.001, 1.0),
    age=st.integers(1, 30),
    ones=st.floats(0, 1),
)
def test_what_is_kept(seed: int, bits: int, rate: float, age: int, ones: float) -> None:
    wires = cut(20, bits, bits)
    word = random_bits(wires.cells, seed, ones)
    before = word.view(20, bits).sum(1)

    def after(**law) -> torch.Tensor:
        return life(Skyrmion(read_order="block", **law), wires, word, age, seed=seed).view(20, bits)

    assert torch.equal(after(individual_rate=rate).sum(1), before), "straying neither makes nor loses skyrmions"
    lost = after(annihilation_rate=rate)
    assert (lost <= word.view(20, bits)).all()
    assert (after(annihilation_rate=rate / 2, individual_rate=rate / 2).sum(1) <= before).all()
    grown = after(nucleation_rate=rate)
    assert (grown >= word.view(20, bits)).all()
    assert (after(annihilation_rate=rate, edge_factor=0.0) >= after(annihilation_rate=rate)).all()
    inner = word.view(20, bits)[:, 1:-1]
    ends = after(annihilation_rate=rate, edge_factor=0.0)
    assert torch.equal(ends[:, [0, -1]], word.view(20, bits)[:, [0, -1]])
    assert (ends[:, 1:-1] <= inner).all()


def test_a_full_track_does_not_move() -> None:
    wires = cut(50, 7, 7)
    ones = torch.ones(wires.cells).int()
    assert torch.equal(life(Skyrmion(individual_rate=1.0), wires, ones, 20)[0], ones)
    one_gap = ones.view(50, 7).clone()
    one_gap[:, 3] = 0
    assert not torch.equal(life(Skyrmion(individual_rate=1.0), wires, one_gap, 1)[0], one_gap.view(-1))


def test_what_vanished_stays_away_and_what_appeared_stays() -> None:
    """One chip through its ages."""
    wires = cut(300, 8, 8)
    word = random_bits(wires.cells)
    lose, make = Skyrmion(annihilation_rate=0.01), Skyrmion(nucleation_rate=0.01)
    lives = [[life(d, wires, word, age)[0] for age in (0, 1, 2, 5, 20)] for d in (lose, make)]
    for (older, younger), (few, many) in zip(
        zip(lives[0][1:], lives[0], strict=False), zip(lives[1], lives[1][1:], strict=False), strict=True
    ):
        assert (older <= younger).all()
        assert (few <= many).all()
    assert lives[0][-1].sum() < lives[0][0].sum() < lives[1][-1].sum()


def test_one_chip_is_one_device_whoever_else_is_asked_for() -> None:
    device = Skyrmion(slip_rate=0.02, individual_rate=0.02, annihilation_rate=0.002, nucleation_rate=0.001)
    wires = cut(400, 10, 10)
    word = random_bits(wires.cells)
    together = life(device, wires, word, 4, [0, 1, 2, 2**40])
    threads = torch.get_num_threads()
    try:
        for n in (1, 3):
            torch.set_num_threads(n)
            for i, chip in enumerate([0, 1, 2, 2**40]):
                assert torch.equal(life(device, wires, word, 4, [chip])[0], together[i])
            assert torch.equal(life(device, wires, word, 4, [0, 1, 2, 2**40]), together)
    finally:
        torch.set_num_threads(threads)
    assert len({tuple(row) for row in together.tolist()}) == 4
    assert not torch.equal(life(device, wires, word, 4, seed=1)[0], together[0])
    assert torch.equal(life(device, wires, word, 0)[0], word)


def test_every_chip_may_have_bits_of_its_own() -> None:
    device, wires = Skyrmion(individual_rate=0.1, annihilation_rate=0.05), cut(5, 6, 6)
    words = torch.stack([random_bits(30, 0), random_bits(30, 1)])
    on = device.on_tracks(wires)
    held = words.float()[:, None]
    both = on.read(held[0], held, draws(30, [4, 9]), 3.0)
    for i, chip in enumerate((4, 9)):
        assert torch.equal(both[i, 0].int(), life(device, wires, words[i], 3, [chip])[0])
    assert torch.equal(held[:, 0].int(), words), "what was written is not changed in place"


def test_nothing_happens_at_rate_zero_age_zero_or_on_single_domains() -> None:
    word = random_bits(12)
    wires = cut(2, 6, 3)
    assert Skyrmion().inert
    assert Skyrmion(edge_factor=9.0).inert
    assert torch.equal(life(Skyrmion(), wires, word, 100)[0], word)
    loud = Skyrmion(slip_rate=1.0, individual_rate=0.5, annihilation_rate=0.5, nucleation_rate=1.0)
    assert not loud.inert
    assert torch.equal(life(loud, cut(2, 6, 1), word, 100)[0], word)
    assert torch.equal(loud.read(word, word, draws(12, [0]), 0.0), word)
    assert torch.equal(life(Skyrmion(slip_rate=1e-18, nucleation_rate=1e-18), wires, word, 100)[0], word)


@pytest.mark.parametrize("slicing", ["plane", "interleaved"])
@pytest.mark.parametrize("encoding", codes.ENCODINGS)
def test_weights_of_several_bits_are_decoded_from_what_is_read(encoding, slicing) -> None:
    device = Skyrmion(individual_rate=0.05, annihilation_rate=0.05, nucleation_rate=0.02)
    tracks = Tracks(bits=8, weight_bits=4, encoding=encoding, slicing=slicing, order="column")
    weight = torch.linspace(-1, 1, 15).view(3, 5)
    programmed = program(tracks, device, weight, layer="w", age=2.0)
    planes = programmed.encoded.levels
    assert torch.equal(codes.decode(planes, encoding), (weight * 7).round())
    on = device.on_tracks(tracks.nanowires(weight))
    read = on.written_and_read(planes, Draws(0, "w", torch.arange(3), (4, 3, 5), torch.device("cpu")), 2.0)
    wanted = codes.decode(read, encoding, dim=1) / 7
    assert torch.allclose(programmed.sample(0, torch.arange(3)), wanted)
    assert not torch.allclose(wanted[0], weight)


def test_it_is_a_spec() -> None:
    device = Skyrmion(annihilation_rate=0.1, edge_factor=2.0, rewind="faulty")
    assert from_dict(device.to_dict()) == device
    assert device.clock == "inferences"
    assert device.shifts(cut(1, 8, 8), 3) == 42
    check_device(device)


BAD = [
    (lambda: Skyrmion(slip_rate=1.5), "slip_rate=1.5 is a probability"),
    (lambda: Skyrmion(nucleation_rate=-0.1), "nucleation_rate=-0.1 is a probability"),
    (
        lambda: Skyrmion(annihilation_rate=0.2, edge_factor=6.0),
        "times edge_factor=6 and individual_rate=0 add up to 1.2",
    ),
    (lambda: Skyrmion(annihilation_rate=0.6, individual_rate=0.6), "and individual_rate=0.6 add up to 1.2, over 1"),
    (lambda: Skyrmion(edge_factor=-1.0), "edge_factor=-1.0 must be zero or more"),
    (lambda: Skyrmion(passes=0), "passes=0 must be one or more"),
    (lambda: Skyrmion(margin=0), "margin=0 must be 1 to 32000"),
    (lambda: Skyrmion(fill="wrap"), "it takes 'zero' or 'edge'"),
    (lambda: Skyrmion(slip_rat=0.1), "slip_rat"),
    (lambda: Skyrmion().replace(correction=GROGU()), "has no field 'correction': position codes correct tracks"),
    (
        lambda: from_dict({"kind": "Skyrmion", "correction": {"kind": "GROGU"}}),
        "give device=mho.devices.Racetrack(correction=...)",
    ),
    (lambda: Skyrmion().replace(slip_rat=0.1), "has no field 'slip_rat': did you mean 'slip_rate'?"),
    (lambda: life(Skyrmion(slip_rate=0.1), cut(1, 4, 4), torch.ones(4), 1.5), "age=1.5 must be a whole number"),
    (lambda: life(Skyrmion(slip_rate=0.1), cut(1, 4, 4), torch.ones(4), 1e16), "than can be numbered, 2^53"),
    (lambda: Skyrmion(slip_rate=0.1).read(torch.ones(1), torch.ones(1), draws(1, [0]), 1.0), "mapping.Tracks(...)"),
]


@pytest.mark.parametrize(("make", "says"), BAD, ids=[says for _, says in BAD])
def test_bad_input_is_one_line(make, says: str) -> None:
    with pytest.raises((SpecError, TypeError)) as error:
        make()
    assert says in str(error.value)
    assert "\n" not in str(error.value)
