"""Tiles against their literal twin, bit for bit; chips, batches and resumption; what is refused."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.pulsed import Literal

from mho import analog, devices
from mho.analog import Tile
from mho.errors import ModelError, SpecError

EXACT = analog.PulseTrain(exact=True)
CELL = devices.SoftBounds(n_states=20)
ALGORITHMS: dict[str, Any] = {
    "sgd": analog.InMemorySGD(cell=CELL, pulses=EXACT),
    "sgd corrected": analog.InMemorySGD(cell=CELL, pulses=EXACT, correct_weights=True),
    "sgd multiplicative": analog.InMemorySGD(cell=CELL.replace(noise="multiplicative"), pulses=EXACT),
    "ttv2": analog.TTv2(cell=CELL, pulses=EXACT, reference_std=0.2, granularity=2.0),
    "ttv2 rows": analog.TTv2(cell=CELL, pulses=EXACT, read="rows", granularity=2.0, forget=False, transfer_every=3),
    "c-ttv2": analog.ChoppedTTv2(cell=CELL, pulses=EXACT, flip_rate=0.4, granularity=2.0),
    "c-ttv2 rows": analog.ChoppedTTv2(
        cell=CELL, pulses=EXACT, flip_rate=0.4, granularity=2.0, read="rows", correct_weights=True
    ),
    "agad": analog.AGAD(cell=CELL, pulses=EXACT, flip_rate=0.5, granularity=2.0),
    "agad rows": analog.AGAD(cell=CELL, pulses=EXACT, flip_rate=0.5, granularity=2.0, read="rows", transfer_every=1),
    "agad beta 1": analog.AGAD(cell=CELL, pulses=EXACT, flip_rate=0.5, granularity=2.0, beta=1.0),
    "agad all": analog.AGAD(
        cell=CELL.replace(n_states=50), gradient_cell=devices.LinearStep(n_states=10, slope_up=0.3), flip_rate=0.34,
        pulses=analog.PulseTrain(exact=True, length=40, length_management=False, update_management=False),
        granularity=0.5, multiple_read_correction=True, chopper="random", read_noise=0.05, read_step=0.02,
        correct_gradient_magnitudes=True, differential=True, reference_mean=0.1, warm_up=True, forget=False,
    ),
    "leaking": analog.AGAD(
        cell=CELL.replace(lifetime=20.0, stuck_rate=0.2), pulses=EXACT, flip_rate=0.5, granularity=2.0
    ),
    "mixed": analog.MixedPrecision(cell=CELL, pulses=EXACT, write_every=3),
}  # fmt: skip
RATES = {"mixed": 0.2, "sgd": 0.1, "sgd corrected": 0.1, "sgd multiplicative": 0.1}


def samples(shape: tuple[int, int], many: int, seed: int, chips: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(chips, many, shape[1])) * (draw.random((chips, many, shape[1])) < 0.8)
    d = draw.normal(size=(chips, many, shape[0])) * (draw.random((chips, many, shape[0])) < 0.8)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(d, dtype=torch.float32)


@pytest.mark.parametrize("name", ALGORITHMS)
@given(shape=st.tuples(st.integers(1, 5), st.integers(1, 6)), seed=st.integers(0, 99), many=st.integers(1, 9))
@settings(max_examples=8, deadline=None)
def test_a_tile_does_what_its_literal_twin_does(name: str, shape: tuple[int, int], seed: int, many: int) -> None:
    tile = Tile(ALGORITHMS[name], shape, name="fc", seed=seed, chips=(3, 11))
    tile.program(torch.randn(shape, generator=torch.Generator().manual_seed(seed)) / 3)
    twins = [Literal(tile, chip) for chip in (0, 1)]
    x, d = samples(shape, many, seed, chips=2)
    rate = RATES.get(name, 1.0)
    tile.update(x[:, : many // 2], d[:, : many // 2], rate)
    tile.update(x[:, many // 2 :], d[:, many // 2 :], rate)
    for chip, twin in enumerate(twins):
        for t in range(many):
            twin.step(x[chip, t].numpy(), d[chip, t].numpy(), rate)
        for key, array in tile.arrays.items():
            assert torch.equal(array[chip], torch.from_numpy(twin.array(key))), key
        for key, used in tile.pulses.items():
            assert torch.equal(used[chip], torch.from_numpy(twin.pulses[key]))


@pytest.mark.parametrize("name", ["sgd", "c-ttv2", "agad", "leaking", "mixed"])
def test_a_chip_is_the_same_alone_and_among_others_in_any_batches(name: str) -> None:
    algorithm = ALGORITHMS[name].replace(pulses=analog.PulseTrain())
    x, d = samples((7, 9), 24, 1)
    together = Tile(algorithm, (7, 9), chips=(2, 5, 8))
    together.update(x[0], d[0], 0.5)
    alone = Tile(algorithm, (7, 9), chips=(5,))
    for first in range(0, 24, 5):
        alone.update(x[0, first : first + 5], d[0, first : first + 5], 0.5)
    for key, array in alone.arrays.items():
        assert torch.equal(array[0], together.arrays[key][1])
    assert torch.equal(alone.pulses["weight"][0], together.pulses["weight"][1])


def test_threads_change_nothing() -> None:
    x, d = samples((64, 64), 16, 1)
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            tile = Tile(analog.AGAD(flip_rate=0.5, granularity=2.0), (64, 64))
            tile.update(x[0], d[0], 1.0)
            found.append(tile.state_dict())
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(found[0][key], found[1][key]) for key in found[0])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_tile_goes_on_from_its_state_bit_for_bit(name: str) -> None:
    x, d = samples((4, 5), 20, 3)
    whole = Tile(ALGORITHMS[name], (4, 5), seed=1)
    whole.update(x[0], d[0], 0.5)
    half = Tile(ALGORITHMS[name], (4, 5), seed=1)
    half.update(x[0, :7], d[0, :7], 0.5)
    other = Tile(ALGORITHMS[name], (4, 5), seed=1)
    other.load_state_dict(copy.deepcopy(half.state_dict()))
    other.update(x[0, 7:], d[0, 7:], 0.5)
    for key, value in whole.state_dict().items():
        assert torch.equal(other.state_dict()[key], value), key


def test_seeds_names_and_chips_have_nothing_in_common() -> None:
    cells = [
        Tile(analog.InMemorySGD(), (6, 6), **options).points("weight").up[0]
        for options in ({}, {"seed": 1}, {"name": "fc2"}, {"chips": (1,)})
    ]
    assert all(not torch.equal(a, b) for n, a in enumerate(cells) for b in cells[:n])


@pytest.mark.parametrize("corrected", [False, True])
def test_programming_goes_as_far_as_cells_reach(corrected: bool) -> None:
    tile = Tile(analog.InMemorySGD(correct_weights=corrected), (8, 9), chips=(0, 1))
    points = tile.points("weight")
    middle = points.symmetry_point((1.0, 1.0)) if corrected else torch.zeros(())
    tile.program(torch.full((8, 9), 0.3))
    reached = (points.high - middle >= 0.3) & (points.low - middle <= 0.3)
    assert reached.any()
    assert not reached.all()
    torch.testing.assert_close(tile.weight[reached], torch.full_like(tile.weight[reached], 0.3), rtol=0, atol=1e-6)
    tile.program(torch.full((8, 9), 9.0))
    torch.testing.assert_close(tile.held, points.high, rtol=0, atol=0)


def test_corrected_weights_are_read_from_symmetry_points() -> None:
    tile = Tile(analog.InMemorySGD(correct_weights=True), (8, 9))
    torch.testing.assert_close(tile.held, tile.points("weight").symmetry_point((1.0, 1.0)), rtol=0, atol=0)
    assert not tile.weight.any()
    # Zero is where pulses that come in pairs bring a weight, and leave it.
    x = torch.ones(400, 9)
    d = torch.ones(400, 8) * torch.tensor([1.0, -1.0]).repeat(200)[:, None]
    tile.program(torch.full((8, 9), 0.2))
    tile.update(x, d, 0.1)
    assert abs(float(tile.weight.mean())) < 0.1


def test_capacitors_leak() -> None:
    cell = devices.SoftBounds(lifetime=50.0, ctoc=0.0, bounds_dtod=0.0)
    tile = Tile(analog.AGAD(cell=cell), (3, 4))
    tile.program(torch.full((3, 4), 0.5))
    before = tile.arrays["gradient"].clone()
    tile.update(torch.zeros(50, 4), torch.zeros(50, 3), 0.1)
    torch.testing.assert_close(tile.weight, torch.full((1, 3, 4), 0.5 / math.e), rtol=1e-5, atol=0)
    torch.testing.assert_close(tile.arrays["gradient"], before / math.e, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["sgd", "agad", "mixed"])
def test_what_is_not_finite_changes_nothing_and_is_counted(name: str, bad: float) -> None:
    tile = Tile(ALGORITHMS[name], (4, 5))
    before = copy.deepcopy(tile.state_dict())
    x, d = samples((4, 5), 6, 3)
    spoilt = d.clone()
    spoilt[0, 3, 1] = bad
    tile.update(x[0], spoilt[0], 0.5)
    tile.update(torch.full((6, 5), bad), d[0], 0.5)
    assert int(tile.skipped) == 2
    after = tile.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before if key != "skipped")


def test_nothing_arrives_where_nothing_is_asked() -> None:
    tile = Tile(analog.InMemorySGD(), (4, 5))
    x, d = samples((4, 5), 6, 3)
    tile.update(x[0], d[0], 0.0)
    tile.update(x[0], torch.zeros(6, 4), 0.5)
    tile.update(torch.zeros(6, 5), d[0], 0.5)
    tile.update(torch.zeros(0, 5), torch.zeros(0, 4), 0.5)
    assert not tile.weight.any()
    assert not tile.pulses["weight"].any()
    assert int(tile.samples) == 18


def test_uncounted_tiles_keep_no_counts() -> None:
    tile = Tile(analog.AGAD(), (4, 5), counted=False)
    counted = Tile(analog.AGAD(), (4, 5))
    x, d = samples((4, 5), 30, 3)
    tile.update(x[0], d[0], 0.5)
    counted.update(x[0], d[0], 0.5)
    assert tile.pulses == {}
    assert torch.equal(tile.arrays["gradient"], counted.arrays["gradient"])


def test_what_is_refused() -> None:
    tile = Tile(analog.AGAD(), (4, 5), name="fc1")
    x, d = torch.ones(3, 5), torch.ones(3, 4)
    with pytest.raises(ModelError, match=r"tile 'fc1': x has the shape \(3, 4\); it takes \(T, 5\)"):
        tile.update(d, d, 0.1)
    with pytest.raises(ModelError, match="x has 3 samples, d 2"):
        tile.update(x, d[:2], 0.1)
    for rate in (-0.1, math.nan, math.inf):
        with pytest.raises(SpecError, match="rate"):
            tile.update(x, d, rate)
    with pytest.raises(SpecError, match="'agad' is no analog algorithm"):
        Tile("agad", (4, 5))  # type: ignore[arg-type]
    for shape in ((4,), (0, 5), (1 << 16, 1 << 16)):
        with pytest.raises(SpecError, match="shape"):
            Tile(analog.AGAD(), shape)
    for chips in ((), (-1,)):
        with pytest.raises(SpecError, match="chips"):
            Tile(analog.AGAD(), (4, 5), chips=chips)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (analog.TTv2, "transfer_every", 0),
        (analog.TTv2, "granularity", 0.0),
        (analog.TTv2, "fast_rate", 0.0),
        (analog.TTv2, "reference_std", -0.1),
        (analog.ChoppedTTv2, "flip_rate", 1.5),
        (analog.AGAD, "flip_rate", 0.0),
        (analog.AGAD, "beta", 0.0),
        (analog.AGAD, "reference_std", 0.1),
        (analog.MixedPrecision, "write_every", 0),
        (analog.PulseTrain, "length", 0),
        (analog.PulseTrain, "length", 2000),
    ],
)
def test_specs_name_what_is_wrong(kind: Any, field: str, value: object) -> None:
    with pytest.raises(SpecError, match=f"{kind.__name__}: {field}={value} "):
        kind(**{field: value})
