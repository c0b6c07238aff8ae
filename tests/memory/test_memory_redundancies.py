"""Baselines against stuck cells: cell majority, best of several, closest values, remapping, ECC."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import redundancies as slow
from torch import nn

from mho.devices import StuckAt
from mho.errors import SpecError
from mho.mapping import BitPlanes
from mho.mapping.plane_code import PlaneCode
from mho.memory import Memory, deploy
from mho.memory.faulty import Faulty
from mho.memory.redundancy import ECC, BestOf, CellMajority, ClosestValue, Redundancy, Remapping
from mho.memory.redundancy.closest import remainder
from mho.memory.redundancy.faults import Faults
from mho.memory.redundancy.hamming import Hamming
from mho.memory.redundancy.layout import Layout, lay_out
from mho.memory.redundancy.remapping import best_places
from mho.spec import from_dict

SEEDS = st.integers(0, 2**32 - 1)
FLIPS = st.sampled_from(("none", "msb", "all"))
SPECS = (
    CellMajority(copies=5, planes=2, embed=False),
    BestOf(copies=3, planes=1),
    ClosestValue(),
    Remapping(along="both", importance="squares"),
    ECC(data_bits=11, planes=2),
)


def make(seed: int, columns: int, rows: int, bits: int, flip: str) -> tuple[PlaneCode, Layout, np.random.Generator]:
    """A layer some of whose columns and rows are pruned, a scale a column."""
    draws = np.random.default_rng(seed)
    weight = draws.standard_normal((columns, rows)) * draws.integers(0, 2, (columns, 1)) * draws.integers(0, 2, rows)
    weight[0, 0] = 1.0
    mapping = BitPlanes(bits=bits, flip=flip, granularity=str(draws.choice(["tensor", "channel"])))
    code = mapping.code(torch.from_numpy(weight).float())
    return code, lay_out("w", code), draws


def some(code: PlaneCode, draws: np.random.Generator, rate: float, *, extra: int = 0, everywhere: bool = False, **have):
    """Faults of cells that are read, or of all; ``copies=`` of every plane."""
    copies = have.get("copies", (1,) * code.bits)
    shape = (code.bits, max(copies), 2, *code.integers.shape)
    places = np.argwhere(draws.random(shape) < rate)
    kept = places[:, 1] < np.asarray(copies)[places[:, 0]]
    if not everywhere:
        kept &= code.read_columns[places[:, 3]] & code.read_rows[places[:, 4]]
    plane, copy, negative, column, row = places[kept].T
    stuck = draws.integers(0, 2, len(plane))
    more = np.flatnonzero(draws.random(extra) < rate)
    return Faults(plane, copy, negative.astype(bool), column, row, stuck, more, draws.integers(0, 2, len(more)))


# ------------------------------------------------------------------------------------------- against the obvious way


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(1, 5), st.integers(1, 6), st.integers(2, 5), FLIPS, st.sampled_from((1, 3, 5)))
def test_a_majority_of_cells_is_what_most_copies_read(seed, columns, rows, bits, flip, copies) -> None:
    code, layout, draws = make(seed, columns, rows, bits, flip)
    majority = CellMajority(copies=copies, planes=int(draws.integers(1, bits + 1)))
    counts = majority.plane_copies(bits)
    faults = some(code, draws, 0.4, copies=counts)
    found = slow.integers(code, majority.resolve(faults, code, layout))
    assert np.array_equal(found, slow.majority(faults, code, counts))


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(1, 5), st.integers(1, 6), st.integers(2, 5), FLIPS, st.integers(1, 4))
def test_the_best_copy_of_a_column_is_used(seed, columns, rows, bits, flip, copies) -> None:
    code, layout, draws = make(seed, columns, rows, bits, flip)
    best = BestOf(copies=copies, planes=int(draws.integers(1, bits + 1)))
    counts = best.plane_copies(bits)
    faults = some(code, draws, 0.3, copies=counts)
    found = slow.integers(code, best.resolve(faults, code, layout))
    assert np.array_equal(found, slow.best_of(faults, code, counts))


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(1, 3), st.integers(1, 3), st.integers(2, 4), FLIPS, st.floats(0, 0.7))
def test_the_closest_value_is_the_closest_of_all(seed, columns, rows, bits, flip, rate) -> None:
    code, layout, draws = make(seed, columns, rows, bits, flip)
    faults = some(code, draws, rate)
    found = slow.integers(code, ClosestValue().resolve(faults, code, layout))
    assert np.array_equal(np.abs(found - code.integers), slow.closest(faults, code))


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(1, 5), st.integers(1, 5), FLIPS, st.booleans(), st.booleans())
def test_remapping_finds_the_least_harm_of_all_permutations(seed, columns, rows, flip, along_rows, squares) -> None:
    code, layout, draws = make(seed, columns, rows, 3, flip)
    faults = some(code, draws, 0.3, everywhere=True)
    along, importance = "rows" if along_rows else "columns", "squares" if squares else "steps"
    remapping = Remapping(along=along, importance=importance)
    harm = remapping.harm(faults, code, rows=along_rows)
    assert np.allclose(harm, slow.harm(faults, code, rows=along_rows, squares=squares), rtol=1e-6, atol=0)
    places = best_places(harm)
    kept = np.arange(len(harm))
    assert harm[kept, places].sum() == pytest.approx(slow.least(harm), rel=1e-9, abs=1e-12)
    # What is computed with is what stands at those places, cell by cell.
    moved = np.full(rows if along_rows else columns, -1)
    moved[places] = np.flatnonzero(code.read_rows if along_rows else code.read_columns)
    at = faults.row if along_rows else faults.column
    parts = {"row" if along_rows else "column": moved[at]}
    there = Faults(**{**vars(faults), **parts}).where(moved[at] >= 0)
    read = there.where(code.read_columns[there.column] & code.read_rows[there.row])
    expected = slow.majority(read, code, (1,) * code.bits)
    assert np.array_equal(slow.integers(code, remapping.resolve(faults, code, layout)), expected)


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.integers(1, 4), st.integers(1, 14), FLIPS, st.integers(1, 12), st.sampled_from((0.03, 0.1, 0.3)))
def test_the_decoder_does_what_a_decoder_does(seed, columns, rows, flip, k, rate) -> None:
    code, layout, draws = make(seed, columns, rows, 3, flip)
    ecc = ECC(data_bits=k, planes=None if draws.random() < 0.5 else 2)
    faults = some(code, draws, rate, extra=ecc.extra_cells(code))
    found = slow.integers(code, ecc.resolve(faults, code, layout))
    assert np.array_equal(found, slow.ecc(faults, code, k, 3 if ecc.planes is None else 2))


# ------------------------------------------------------------------------------------------------------ what they are


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: type(s).__name__)
def test_without_faults_nothing_is_off(spec: Redundancy) -> None:
    code, layout, draws = make(1, 7, 9, 5, "msb")
    resolved = spec.resolve(some(code, draws, 0.0), code, layout)
    assert not resolved.steps.any()
    assert resolved.votes is None
    assert not spec.votes


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: type(s).__name__)
def test_they_are_specs(spec: Redundancy) -> None:
    assert from_dict(spec.to_dict()) == spec
    assert from_dict(BestOf(pools=(("*.q", "*.k"),)).to_dict()) == BestOf(pools=(("*.q", "*.k"),))
    assert spec.label
    assert spec.known_map == isinstance(spec, BestOf | ClosestValue | Remapping)
    assert spec.digital == isinstance(spec, CellMajority | ECC)


@pytest.mark.parametrize(
    ("make_it", "said"),
    [
        (lambda: CellMajority(copies=2), "copies=2 must be odd"),
        (lambda: CellMajority(copies=0), "copies=0 must be 1 or more"),
        (lambda: BestOf(planes=0), "planes=0 must be 1 or more"),
        (lambda: BestOf(planes=9).plane_copies(8), "planes=9 must be at most the 8"),
        (lambda: ECC(data_bits=0), "data_bits=0 must be 1 to 4096"),
        (lambda: ECC(planes=0), "planes=0"),
        (lambda: CellMajority(pools=(("*.q",),)), "pools"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(make_it, said: str) -> None:
    with pytest.raises(SpecError, match=said) as caught:
        make_it()
    assert "\n" not in str(caught.value)


def test_cells_that_they_take() -> None:
    code, _, _ = make(3, 40, 200, 8, "msb")
    assert CellMajority(copies=3, planes=2).plane_copies(8) == (1, 1, 1, 1, 1, 1, 3, 3)
    assert BestOf().plane_copies(4) == (1, 2, 2, 2)
    columns, rows = int(code.read_columns.sum()), int(code.read_rows.sum())
    assert ECC().extra_cells(code) == 2 * 8 * columns * -(-rows // 64) * 8
    assert ECC(planes=1).extra_cells(code) == ECC().extra_cells(code) // 8
    assert [ECC(data_bits=k).check_bits for k in (1, 4, 8, 11, 16, 32, 57, 64, 120, 128)] == [
        3, 4, 5, 5, 6, 7, 7, 8, 8, 9,
    ]  # fmt: skip


@settings(deadline=None)
@given(st.integers(1, 130))
def test_one_wrong_bit_is_corrected_and_two_are_left(k: int) -> None:
    hamming = Hamming(k)
    places = np.concatenate([hamming.positions, hamming.check_positions])
    assert len(set(places.tolist())) == k + hamming.check_bits
    one = hamming.toggled(places, np.arange(len(places)), len(places))
    assert one.tolist() == [*range(k), *[-1] * hamming.check_bits]
    first, second = np.triu_indices(len(places), 1)
    pair = np.stack([places[first], places[second]]).ravel()
    number = np.tile(np.arange(len(first)), 2)
    assert (hamming.toggled(pair, number, len(first)) == -1).all()


def test_a_single_stuck_cell_is_undone_by_its_partner_in_the_other_array() -> None:
    # All free: any digit. One cell stuck at 1 or 0 leaves a weight of the middle range exact.
    for w in range(-7, 8):
        for held in range(12):
            digits = np.ones((3, 1, 3), bool)
            plane, array, bit = held // 4, held // 2 % 2, held % 2
            digits[0 if array == bit else 2, 0, plane] = False
            best = min(
                abs(w - sum(d << b for b, d in enumerate(combination)))
                for combination in np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), -1).reshape(-1, 3).tolist()
                if digits[combination[plane] + 1, 0, plane]
            )
            assert abs(remainder(np.array([w]), digits)[0]) == best


# -------------------------------------------------------------------------------------------------- how good they are


def spread(spec: Redundancy, rate: float, chips: int = 12) -> float:
    """Sum of squares of what weights are off, over chips with the same faults whatever the method."""
    code, layout, _ = make(11, 48, 64, 6, "msb")
    total = 0.0
    for chip in range(chips):
        draws = np.random.default_rng(chip)
        copies = spec.plane_copies(code.bits)
        faults = some(code, draws, rate, extra=spec.extra_cells(code), copies=copies, everywhere=True)
        if not isinstance(spec, Remapping):
            faults = faults.where(code.read_columns[faults.column] & code.read_rows[faults.row])
        off = slow.integers(code, spec.resolve(faults, code, layout)) - code.integers
        total += float((off**2).sum())
    return total / chips


def test_of_three_copies_three_squares_less_two_cubes_are_wrong() -> None:
    rate, chips = 0.1, 30
    code, layout, _ = make(5, 60, 80, 4, "none")
    majority = CellMajority(copies=3, planes=4)
    cells = 2 * 4 * int(code.read_columns.sum()) * int(code.read_rows.sum())
    wrong = 0
    for chip in range(chips):
        faults = some(code, np.random.default_rng(chip), rate, copies=majority.plane_copies(4))
        wrong += len(majority.resolve(faults, code, layout).steps)
    e = rate / 2  # stuck at what they should not hold
    expected = 3 * e**2 - 2 * e**3
    assert wrong / (cells * chips) == pytest.approx(expected, abs=4 * (expected / (cells * chips)) ** 0.5)


def test_columns_are_clean_as_often_as_the_best_of_their_copies() -> None:
    rate, chips, copies = 0.004, 200, 2
    code, layout, _ = make(6, 60, 80, 2, "none")
    best = BestOf(copies=copies, planes=1)
    columns, rows = int(code.read_columns.sum()), int(code.read_rows.sum())
    hit = 0
    for chip in range(chips):
        faults = some(code, np.random.default_rng(chip), rate, copies=best.plane_copies(2))
        found = best.resolve(faults, code, layout)
        hit += len(np.unique(found.column[np.abs(found.steps) == 2]))
    one = 1 - (1 - rate / 2) ** (2 * rows)
    expected = one**copies
    assert hit / (columns * chips) == pytest.approx(expected, abs=4 * (expected / (columns * chips)) ** 0.5)


def test_words_fail_as_often_as_two_bits_of_them_do() -> None:
    """Words of 11 + 5 bits: a word is spoilt if two or more read wrong, unless all of them are check bits."""
    rate, chips, k = 0.02, 60, 11
    code, layout, _ = make(7, 60, 160, 2, "none")
    ecc = ECC(data_bits=k, planes=1)
    rows = int(code.read_rows.sum()) // k * k
    columns = int(code.read_columns.sum())
    number = np.cumsum(code.read_rows) - 1
    words = 2 * columns * rows // k * chips
    hit = 0
    for chip in range(chips):
        faults = some(code, np.random.default_rng(chip), rate, extra=ecc.extra_cells(code))
        found = ecc.resolve(faults, code, layout)
        top = (np.abs(found.steps) == 2) & (number[found.row] < rows)
        negative = (code.integers[found.column, found.row] < 0) ^ (found.steps < 0)
        hit += len(np.unique(np.stack([found.column, number[found.row] // k, negative])[:, top], axis=1).T)
    e, n = rate / 2, k + 5
    at_least_two = 1 - (1 - e) ** n - n * e * (1 - e) ** (n - 1)
    only_checks = comb(5, 2) * e**2 * (1 - e) ** (n - 2)
    expected = at_least_two - only_checks
    # Three wrong check bits may spoil data and three wrong bits come out right: e^3 of each word, well below this.
    assert hit / words == pytest.approx(expected, abs=4 * (expected / words) ** 0.5 + comb(n, 3) * e**3)


def test_more_means_help_more() -> None:
    rate = 0.05
    none = spread(CellMajority(copies=1), rate)
    majority, best = spread(CellMajority(copies=3), rate), spread(BestOf(copies=3), rate)
    columns, rows, both = (spread(Remapping(along=a, importance="squares"), rate) for a in ("columns", "rows", "both"))
    assert majority < 0.5 * none
    assert spread(CellMajority(copies=5), rate) < majority
    assert spread(CellMajority(copies=3, planes=3), rate) < 0.5 * majority
    assert best < 0.8 * spread(BestOf(copies=2), rate) < 0.8 * none
    assert both < 0.7 * min(columns, rows) < max(columns, rows) < 0.3 * none
    assert spread(Remapping(), rate) > columns
    assert spread(ClosestValue(), rate) < 0.2 * none
    few = spread(ECC(data_bits=16), 0.002), spread(ECC(), 0.002), spread(CellMajority(copies=1), 0.002)
    assert few[0] < 0.5 * few[1] < 0.05 * few[2]


def test_pruned_columns_are_room_for_those_that_are_hit() -> None:
    weight = torch.ones(3, 4)
    weight[2] = 0
    code = BitPlanes(bits=4, flip="none").code(weight)
    everything = np.argwhere(np.ones((4, 2, 4), bool))
    plane, negative, row = everything.T
    at = np.zeros(len(plane), np.int64)
    faults = Faults(plane, at, negative.astype(bool), at, row, negative)  # column 0 holds minus its largest weight
    found = Remapping().resolve(faults, code, lay_out("w", code))
    assert not found.steps.any()


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_more_faults_never_do_less_harm(seed: int) -> None:
    code, _, draws = make(seed, 6, 5, 3, "msb")
    faults = some(code, draws, 0.4, everywhere=True)
    fewer = faults.where(draws.random(len(faults)) < 0.5)
    for rows in (False, True):
        more, less = (Remapping().harm(f, code, rows=rows) for f in (faults, fewer))
        kept = np.arange(len(more))
        assert more[kept, best_places(more)].sum() >= less[kept, best_places(less)].sum() - 1e-9


# --------------------------------------------------------------------------------------------------- through mho.deploy


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: type(s).__name__)
def test_chips_compute_with_what_the_method_leaves(spec: Redundancy) -> None:
    """The chips of a deployed model are those of the slow twins, from the faults that its layout finds."""
    torch.manual_seed(0)
    layer = nn.Linear(20, 12)
    layer.weight.data[3:6] = 0
    layer.weight.data[:, 7] = 0
    memory = Memory(device=StuckAt.at_rate(0.03), mapping=BitPlanes(bits=4, granularity="channel"), redundancy=spec)
    chips = deploy(nn.Sequential(layer), memory, seed=3)
    sampler = chips.samplers()["0.weight"]
    assert isinstance(sampler, Faulty)
    code, layout = sampler.layout.code, sampler.layout
    for chip in range(3):
        faults = layout.faults(sampler.device, 3, chip)
        assert len(faults) > 5
        found = slow.integers(code, spec.resolve(faults, code, layout))
        counts = spec.plane_copies(4)
        if isinstance(spec, CellMajority):
            assert np.array_equal(found, slow.majority(faults, code, counts))
        elif isinstance(spec, BestOf):
            assert np.array_equal(found, slow.best_of(faults, code, counts))
        elif isinstance(spec, ECC):
            assert len(faults.extra)
            assert np.array_equal(found, slow.ecc(faults, code, 11, 2))
        elif isinstance(spec, ClosestValue):
            assert np.array_equal(np.abs(found - code.integers), slow.closest(faults, code))
        weights = chips.weights(chip)["0.weight"][0]
        expected = torch.from_numpy(found * code.gain[:, None].astype(np.float64))
        torch.testing.assert_close(weights.double(), expected, rtol=1e-6, atol=1e-7)
        assert not weights[3:6].any()
        assert not weights[:, 7].any()


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: type(s).__name__)
def test_a_higher_rate_adds_faults_to_the_same_chip(spec: Redundancy) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(24, 10))
    seen = []
    for rate in (0.0, 0.01, 0.05):
        memory = Memory(device=StuckAt.at_rate(rate), mapping=BitPlanes(bits=4), redundancy=spec)
        sampler = deploy(model, memory).samplers()["0.weight"]
        assert isinstance(sampler, Faulty)
        f = sampler.layout.faults(sampler.device, 0, 2)
        cells = zip(f.plane, f.copy, f.negative, f.column, f.row, f.stuck, strict=True)
        seen.append({*cells} | {(int(e), int(v)) for e, v in zip(f.extra, f.extra_stuck, strict=True)})
    assert not seen[0]
    assert seen[1] < seen[2]


def test_check_cells_of_planes_that_do_not_fail_do_not_fail_either() -> None:
    torch.manual_seed(0)
    code = BitPlanes(bits=4, faulty="msb").code(torch.randn(16, 30))
    ecc = ECC(data_bits=4)
    layout = lay_out("w", code, extra=ecc.extra_cells(code))
    found = ecc.resolve(layout.faults(StuckAt.at_rate(0.3), 0, 0), code, layout)
    assert set(np.abs(found.steps).tolist()) == {8}
