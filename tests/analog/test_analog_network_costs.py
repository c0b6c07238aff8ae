"""What a whole network costs, wears out and has to remember, against loops over its tiles and devices."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mho import analog, devices
from mho.analog.experiments.programming_result import Level
from mho.analog.hardware import Hardware
from mho.analog.network_cost import cost
from mho.analog.reference_drift import crossing, reference_drift
from mho.analog.retention import retention
from mho.analog.tiles import count_vectors, tiles_of
from mho.analog.update_time import update_time
from mho.analog.wear import wear
from mho.errors import ModelError, SpecError, UnknownNameError

CELL = devices.SoftBounds(n_states=20)


def small() -> nn.Module:
    """A convolution with 3 x 3 positions, dropout, and two dense layers."""
    with torch.random.fork_rng():
        return nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5), nn.Linear(36, 6), nn.ReLU(), nn.Linear(6, 3)
        )


def inputs(samples: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(samples, 1, 5, 5, generator=torch.Generator().manual_seed(seed))


def trained(algorithm: analog.Algorithm, steps: int = 10, **options: Any) -> nn.Module:
    """Updated ``steps`` times by 4 samples."""
    model = analog.convert(small(), algorithm, **options).eval()
    for module in model.modules():
        module.training = not isinstance(module, nn.Dropout)
    optimizer = analog.SGD(model, lr=0.1)
    for i in range(steps):
        optimizer.zero_grad()
        model(inputs(4, i)).square().sum().backward()
        optimizer.step()
    return model


@pytest.fixture(scope="module")
def agad() -> nn.Module:
    return trained(analog.AGAD(cell=CELL, transfer_every=3))


def test_vectors_are_counted_and_nothing_changes() -> None:
    model = analog.convert(small(), analog.AGAD(cell=CELL))
    before, state = {k: v.clone() for k, v in model.state_dict().items()}, torch.get_rng_state()
    assert count_vectors(model, inputs(2)) == {"0.weight": 9, "4.weight": 1, "6.weight": 1}
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state), "dropout drew from the global generator"


def test_a_network_costs_what_its_tiles_cost() -> None:
    algorithm = analog.ChoppedTTv2(cell=CELL, transfer_every=5, pulses=analog.PulseTrain(length=3))
    found = cost(analog.convert(small(), algorithm), inputs(2))
    wanted = 0.0
    for name, vectors, shape in (("0.weight", 9, (4, 9)), ("4.weight", 1, (6, 36)), ("6.weight", 1, (3, 6))):
        one = update_time("c-ttv2", shape, transfer_every=5, mean_length=3)
        assert found[name].update == one
        assert found[name].seconds == pytest.approx(vectors * (one.seconds + 80e-9))
        wanted += vectors * (one.seconds + 80e-9)
    assert found.seconds == pytest.approx(wanted)
    assert found.slowest.name == "0.weight"
    assert found.storage_bytes == 36 + 13 + 216 + 42 + 18 + 9


def test_what_training_counted_is_what_one_update_counts(agad) -> None:
    assert cost(agad) == cost(agad, inputs(2)) == cost(agad, samples=40)
    assert cost(agad, samples=20)["4.weight"].vectors == 2


def test_another_algorithm_and_other_hardware(agad) -> None:
    other = cost(agad, algorithm="mp", hardware=Hardware(mvm=0.0, pulse=0.0), batch=10)
    flops = 9 * (2 * 36 + 9) + (2 * 216 + 36) + (2 * 18 + 6)
    assert other.seconds == pytest.approx(flops / 175e9)
    assert other["0.weight"].to_dict()["algorithm"] == "mixed precision"


def test_a_cost_prints_and_is_plain_data(agad) -> None:
    found = cost(agad)
    data = json.loads(json.dumps(found.to_dict()))
    assert [row["tile"] for row in data["tiles"]] == ["0.weight", "4.weight", "6.weight"]
    assert data["all"]["seconds"] == found.seconds
    assert max(map(len, str(found).splitlines())) <= 120
    assert "(0.weight)" in str(found)
    with pytest.raises(UnknownNameError, match=r"did you mean '4.weight'"):
        found["4.weigth"]


def test_a_network_that_is_not_converted_costs_what_it_would() -> None:
    plain, made = small(), analog.convert(small(), analog.TTv2(cell=CELL))
    assert cost(plain, inputs(2), algorithm="ttv2").rows() == cost(made, inputs(2), algorithm="ttv2").rows()
    assert not any(isinstance(module, analog.Tile) for module in plain.modules())


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: cost(small()), "no analog tiles; convert it first"),
        (lambda: cost(analog.convert(small(), analog.AGAD())), "was never updated; give inputs="),
        (lambda: wear(analog.convert(small(), analog.AGAD())), "was never updated: train the model first"),
        (lambda: wear(trained(analog.AGAD(), 1, counted=False)), "counted=True"),
        (lambda: cost(trained(analog.AGAD(), 1), samples=0), "samples=0 must be more than zero"),
        (lambda: wear(trained(analog.AGAD(), 1), samples=-3), "samples=-3 must be more than zero"),
        (lambda: wear(trained(analog.AGAD(), 1)).lifetime_samples(0), "must be more than zero pulses"),
        (lambda: cost(trained(analog.FloatingPoint(), 1)), "what an update of FloatingPoint takes is unknown"),
    ],
)
def test_what_cannot_be_is_one_line(call, said) -> None:
    with pytest.raises((ModelError, SpecError)) as error:
        call()
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_wear_as_a_loop_over_devices(agad) -> None:
    found = wear(agad)
    assert found.samples == 40
    assert {one.tile: one.maximum_per_sample / one.maximum_per_vector for one in found.of("gradient")} == {
        "0.weight": pytest.approx(9), "4.weight": pytest.approx(1), "6.weight": pytest.approx(1),
    }  # fmt: skip
    for one in found.arrays:
        pulses = tiles_of(agad)[one.tile].pulses[one.array].flatten().tolist()
        assert (one.devices, one.maximum, one.mean) == (len(pulses), max(pulses), pytest.approx(np.mean(pulses)))
        for percentile, value in one.percentiles.items():
            below = sum(p <= value for p in pulses)
            assert below >= len(pulses) * percentile / 100 - 1
        assert sum(one.counts) == len(pulses)
        for count, low, high in zip(one.counts, one.edges, one.edges[1:], strict=False):
            last = high == one.edges[-1]
            assert count == sum(low <= p < high or (last and p == high) for p in pulses)


def test_no_device_gets_more_than_the_bound(agad) -> None:
    found = wear(agad)
    bounds = {(one.tile, one.array): one.bound for one in found.arrays}
    assert bounds["0.weight", "gradient"] == 5
    assert bounds["4.weight", "weight"] == 1 / 40, "a column is read every 108 vectors: of 40 vectors once"
    assert bounds["0.weight", "weight"] == pytest.approx(math.ceil(360 / 27) / 360)
    for one in found.arrays:
        assert one.bound is not None
        assert one.maximum_per_vector <= one.bound
    assert any(one.maximum for one in found.of("gradient"))


def test_the_first_device_that_wears_out_decides(agad) -> None:
    found = wear(agad)
    worst = max(one.maximum for one in found.of("gradient"))
    assert found.lifetime_samples({"gradient": 1e6}) == pytest.approx(1e6 * 40 / worst)
    most = max((one.maximum for one in found.arrays), default=0)
    assert found.lifetime_samples(1e6) == pytest.approx(1e6 * 40 / most)
    assert wear(agad, samples=80).lifetime_samples(1e6) == pytest.approx(2 * found.lifetime_samples(1e6))
    with pytest.raises(UnknownNameError, match="did you mean 'gradient'"):
        found.lifetime_samples({"gradients": 1e6})
    first = found.first_worn({"gradient": 1e6, "weight": 1e6})
    assert (first.array, first.maximum) == ("gradient", most)
    assert first.lifetime_samples(1e6) == found.lifetime_samples(1e6)
    assert found.first_worn({"weight": 1}).array == "weight"
    with pytest.raises(SpecError, match="endurance names no array"):
        found.first_worn({})


def test_other_algorithms_wear_other_arrays() -> None:
    sgd, mixed = (wear(trained(a, 3)) for a in (analog.InMemorySGD(cell=CELL), analog.MixedPrecision(write_every=2)))
    assert {one.array for one in (*sgd.arrays, *mixed.arrays)} == {"weight"}
    assert {one.bound for one in sgd.arrays} == {5}
    assert {one.bound for one in mixed.arrays} == {None}
    assert "A:" not in str(sgd)


def test_wear_prints_and_is_plain_data(agad) -> None:
    found = wear(agad)
    data = json.loads(json.dumps(found.to_dict()))
    assert len(data["arrays"]) == 6
    assert data["published_maximum_per_sample"]["gradient"] == [0.5, 4.0]
    assert max(map(len, str(found).splitlines())) <= 120
    assert "rasch2024fast" in found.references


def test_what_has_to_be_remembered() -> None:
    leaky = devices.SoftBounds(n_states=20, lifetime=200.0)
    algorithm = analog.AGAD(cell=CELL, gradient_cell=leaky, transfer_every=4, flip_rate=0.1)
    model = trained(algorithm, 5)
    dense = {one.tile: one for one in retention(model).tiles}["4.weight"]
    assert (dense.period, dense.chopper_period, dense.run) == (4 * 36, pytest.approx(1440), 20)
    assert dense.gradient_seconds == pytest.approx(144 * cost(model).seconds)
    assert dense.gradient_leak == pytest.approx(1 - math.exp(-144 / 200))
    assert (dense.weight_leak, dense.reference_drift) == (0.0, None)
    assert json.loads(json.dumps(retention(model).to_dict()))["tiles"][1]["period_vectors"] == 144
    assert max(map(len, str(retention(model)).splitlines())) <= 120


def test_what_algorithms_differ_in_remembering() -> None:
    tt = retention(trained(analog.TTv2(cell=CELL, read="rows"), 1)).tiles[1]
    assert (tt.period, tt.chopper_period, tt.reference_drift) == (2 * 6, None, 0.05)
    sgd = retention(trained(analog.InMemorySGD(cell=devices.SoftBounds(lifetime=40.0)), 1)).tiles[1]
    assert (sgd.period, sgd.gradient_seconds, sgd.gradient_leak) == (None, None, None)
    assert sgd.weight_leak == pytest.approx(1 - math.exp(-4 / 40))


def level(algorithm: analog.Algorithm, std: float, error: float) -> Level:
    return Level(
        label=algorithm.label, algorithm=algorithm, n_states=20, reference_std=std,
        has_reference=algorithm.with_reference(0.0, 0.1) != algorithm, errors=np.array([error - 0.001, error + 0.001]),
        course=np.zeros((0, 2)), gradient_mean=0.0, gradient_max=0.0, weight_mean=0.0, weight_max=0.0,
    )  # fmt: skip


@dataclass(frozen=True)
class Few:
    """As much of a programming experiment as is looked at."""

    levels: tuple[Level, ...] = field(default_factory=tuple)


def test_how_far_references_may_drift() -> None:
    """TTv2 doubles its error halfway between 0.1 and 0.3; c-TTv2 has not by 0.3; AGAD has no reference."""
    ttv2, chopped, agad = analog.TTv2(cell=CELL), analog.ChoppedTTv2(cell=CELL), analog.AGAD(cell=CELL)
    levels = [level(ttv2, std, e) for std, e in ((0.3, 0.12), (0.0, 0.05), (0.1, 0.08))]
    levels += [level(chopped, 0.0, 0.05), level(chopped, 0.3, 0.06), level(agad, 0.0, 0.05)]
    found = reference_drift(Few(tuple(levels)))  # type: ignore[arg-type]
    first, second, third = found.drifts
    assert (first.std, first.share, first.beyond, first.published) == (
        pytest.approx(0.2),
        pytest.approx(0.1),
        False,
        0.05,
    )
    assert (second.std, second.share, second.beyond) == (0.3, 0.15, True)
    assert (third.std, third.share) == (None, None)
    assert ">= 0.3" in str(found)
    assert "none needed" in str(found)
    with pytest.raises(SpecError, match="times=1 must be more than 1"):
        reference_drift(Few(), times=1)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="at one reference_std only"):
        reference_drift(Few((levels[0],)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("heights", "limit", "place"),
    [
        ((1, 3), 2, (0.5, False)),
        ((1, 2), 2, (1.0, True)),
        ((1, 1, 2, 1), 1.5, (1.5, False)),
        ((1, 0, 0), 9, (2.0, True)),
    ],
)
def test_where_a_line_is_crossed(heights, limit, place) -> None:
    assert crossing([(float(x), float(y)) for x, y in enumerate(heights)], limit) == place
