"""Sensitivity: the cut model against the whole, curves in exposure, and what is read off them."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from math import sqrt
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import binary, nets
from torch import Tensor, nn

import mho
from mho.data.dataset import Dataset
from mho.devices.racetrack import Racetrack
from mho.errors import MhoError, ModelError, SpecError, UnknownNameError
from mho.mapping.tracks import Tracks
from mho.racetrack import splitting
from mho.racetrack.bits import packed, unpacked
from mho.racetrack.compat import compat2024
from mho.racetrack.curves import Curves
from mho.racetrack.exposure import exposure_of
from mho.racetrack.heat_map import HeatMap
from mho.racetrack.isotonic import Monotone
from mho.racetrack.misreading import equivalent, misread
from mho.racetrack.sensitivity import sensitivity
from mho.racetrack.splitting import split, tail, traced
from mho.zoo.binary import BinaryActivation, BinaryConv2d, BinaryLinear, signs


class Residual(nn.Module):
    """A shortcut, a layer used twice, a parameter used by itself: several tensors cross most cuts."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = BinaryConv2d(2, 4, 3, padding=1, bias=False)
        self.conv2 = BinaryConv2d(4, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.sign = BinaryActivation()
        self.gain = nn.Parameter(torch.ones(4, 1, 1))
        self.fc = BinaryLinear(36, 5, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        first = self.conv1(x) * self.gain
        x = self.sign(self.norm(first))
        x = self.sign(self.norm(self.conv2(x)) + first)
        x = self.sign(self.conv2(x) * self.gain + first)
        return self.fc(x.flatten(1))


class Branching(Residual):
    """The same for symbols that look at values: it cannot be traced."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if x.sum() > 0 else -x)


def made(kind: type[Residual]) -> tuple[nn.Module, Dataset]:
    model = nets.seeded(kind())
    with torch.no_grad():
        for name in ("conv1", "conv2", "fc"):
            weight = model.get_parameter(f"{name}.weight")
            weight.copy_(signs(weight))
    inputs = nets.inputs(24, 2, 3, 3)
    return model, Dataset(inputs=inputs, targets=model(inputs).argmax(1).detach(), classes=5)


def memory(bits: int = 8, rate: float = 0.02, **device: Any) -> mho.Memory:
    return mho.Memory(device=Racetrack(fault_rate=rate, **device), mapping=Tracks(bits=bits))


@cache
def measured() -> Curves:
    model, test = binary.classifier(256, 128)
    return sensitivity(model, test, memory(64, 1e-3), exposures=(0.1, 0.3, 1, 3), n_chips=12)


# The cut model against the whole.


@pytest.mark.parametrize("parameter", ["conv1.weight", "conv2.weight", "fc.weight", "gain", "norm.bias"])
@pytest.mark.parametrize("most", [splitting.PLAIN_BYTES, 0], ids=["plain", "bits"])
def test_the_two_halves_are_the_whole(parameter: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "PLAIN_BYTES", most)
    model, data = made(Residual)
    rest = tail(model, traced(model), parameter, data, batch=7)
    assert rest.cut
    assert parameter in dict(rest.model.named_parameters())
    with torch.no_grad():
        rest.model.get_parameter(parameter).mul_(-1)  # whatever happens to the layer happens behind the cut
        torch.testing.assert_close(rest.model(**rest.data.inputs), model(data.inputs))


def test_what_was_computed_before_the_cut_is_not_computed_again() -> None:
    model, _ = made(Residual)
    halves = split(model, traced(model), "fc.weight")  # type: ignore[arg-type]
    assert halves is not None
    assert halves.crossing == ("input_0",)
    assert [n for n, _ in halves.after.named_parameters()] == ["fc.weight"]
    assert split(model, traced(model), "unused.weight") is None  # type: ignore[arg-type]


def test_binary_activations_wait_as_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "PLAIN_BYTES", 0)
    model, data = made(Residual)
    rest = tail(model, traced(model), "fc.weight", data, batch=24)
    (kept,) = rest.data.inputs.values()
    assert kept.dtype == torch.uint8
    assert kept.shape == (24, 5)  # 36 bits


@given(st.integers(1, 4), st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_bits_come_back(n: int, shape: list[int], seed: int) -> None:
    x = signs(torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed)))
    assert torch.equal(unpacked(packed(x), tuple(shape)), x)


def slowly(model: nn.Module, data: Dataset, on: mho.Memory, layer: str, ages: list[int], n_chips: int) -> Any:
    """One layer alone on nanowires, every chip through the whole model."""
    chips = mho.deploy(model, {f"{layer}.weight": on, "*": None}, seed=3)
    return mho.evaluate(chips, data, age=ages, n_chips=n_chips).values[0]


@pytest.mark.parametrize("kind", [Residual, Branching])
def test_curves_are_those_of_the_whole_model(kind: type[Residual]) -> None:
    model, data = made(kind)
    on = memory(8, 0.02)
    found = sensitivity(model, data, on, exposures=(0.3, 1.0, 4.0), n_chips=3, seed=3)
    assert found.layers == ("conv1", "conv2", "fc")
    assert found.provenance["layers_cut"] == (3 if kind is Residual else 0)
    assert found.baseline == 1.0
    for i, layer in enumerate(found.layers):
        ages = found.inferences[i].tolist()
        np.testing.assert_array_equal(found.values[i], slowly(model, data, on, layer, ages, 3))
    assert found.values.min() < 1


def test_the_model_is_left_alone() -> None:
    model, data = made(Residual)
    before = {name: p.clone() for name, p in model.state_dict().items()}
    sensitivity(model, data, memory(), exposures=(5.0,), n_chips=2)
    for name, p in model.state_dict().items():
        assert torch.equal(p, before[name])


def test_latent_weights_are_read_as_their_signs() -> None:
    model, data = made(Residual)
    on, kwargs = memory(), {"exposures": (1.0,), "n_chips": 2}
    plain = sensitivity(model, data, on, **kwargs)  # type: ignore[arg-type]
    with torch.no_grad():
        model.get_parameter("fc.weight").mul_(nets.inputs(5, 36).abs() + 0.1)
    np.testing.assert_array_equal(sensitivity(model, data, on, **kwargs).values, plain.values)  # type: ignore[arg-type]


# Exposure.


def test_exposure_is_passes_times_shifts_times_rate() -> None:
    assert exposure_of(memory(64, 1e-4), (10, 128)) == pytest.approx(63e-4)
    assert exposure_of(memory(64, 1e-4, passes=10), (10, 128)) == pytest.approx(63e-3)
    assert exposure_of(memory(64, 1e-4, rewind="faulty"), (10, 128)) == pytest.approx(126e-4)
    assert exposure_of(memory(64, 1e-4), (10, 1, 3, 3)) == pytest.approx(8e-4)  # a row of 9 bits
    assert exposure_of(memory(1, 1e-4), (10, 128)) == 0


def test_true_exposures_are_reported() -> None:
    found = measured()
    each = 63e-3
    np.testing.assert_array_equal(found.inferences[0], [round(x / each) for x in (0.1, 0.3, 1, 3)])
    np.testing.assert_allclose(found.exposure, found.inferences * each)


def test_a_layer_that_never_shifts_keeps_its_metric() -> None:
    model, data = made(Residual)
    found = sensitivity(model, data, memory(1), exposures=(1.0, 2.0), n_chips=2)
    assert (found.values == found.baseline).all()
    assert found.drop("fc", 1.0).value == 0


@pytest.mark.parametrize("layer", ["fc1", "fc2", "fc3"])
def test_pairs_of_equal_exposure_agree_t6(layer: str) -> None:
    """(K, p) of equal lambda in the published simulator: differences of means within 4 standard errors, every layer.

    Beyond 4 lie about 2 in 10,000 of independent pairs of 24 chips; the keys are fixed. Three times lambda is far
    outside. There the track length says no more than how often a track shifts. It is no law of physical tracks, where
    it also decides how far a slip reaches: fc1 and fc3 then depend on K by up to 17 points.
    """
    model, test = binary.classifier(256, 128)

    def at(bits: int, exposure: float) -> np.ndarray[Any, Any]:
        on = compat2024(bits, 1 / (20 * (bits - 1)), passes=1)
        found = sensitivity(model, test, on, layers=[layer], exposures=[exposure], n_chips=24)
        assert found.exposure[0, 0] == pytest.approx(exposure)
        return found.values[0, 0]

    def apart(a: Any, b: Any) -> float:
        return abs(a.mean() - b.mean()) / sqrt((a.var(ddof=1) + b.var(ddof=1)) / 24)

    one = {bits: at(bits, 1.0) for bits in (64, 32, 16, 8)}
    for bits, values in one.items():
        for other in one.values():
            assert apart(values, other) < 4, bits
        assert apart(values, at(32, 3.0)) > 5


# Misreads.


@pytest.mark.parametrize(
    ("device", "bits"),
    [({"bound": "free", "fill": "wrap"}, 64), ({}, 16), ({}, 2), ({"bound": "stick"}, 8), ({"double": 0.3}, 16)],
)
def test_misread_follows_the_law_of_offsets(device: dict[str, Any], bits: int) -> None:
    """Every offset but 0 misreads all positions, less the one at an end that reads its own bit."""
    on = memory(bits, 1e-3, **device)
    exposure = 400 * exposure_of(on, (1, bits))
    wires = on.mapping.nanowires(torch.zeros(2000, bits))  # type: ignore[attr-defined]
    from mho.devices.offset_law import offset_law

    law = on.device.law(wires, guarded=False)  # type: ignore[attr-defined]
    offsets, p = offset_law(law, [400 * (bits - 1)])
    moved = float(p[offsets != 0].sum())
    ends = (bits - 1) / bits if on.device.fill == "edge" else 1  # type: ignore[attr-defined]
    # The number of faults is binomial, not Poisson: they differ by less than the rate.
    assert misread(on, (1, bits), exposure) == pytest.approx(moved * ends, abs=2e-3)


def test_equivalent_is_the_inverse() -> None:
    on, shape = memory(16, 1e-3), (4, 64)
    for exposure in (0.01, 0.5, 3.0):
        assert equivalent(on, shape, misread(on, shape, exposure), 5.0) == pytest.approx(exposure, rel=1e-6)
    assert equivalent(on, shape, 0.0, 5.0) == 0
    assert equivalent(on, shape, 0.99, 5.0) == float("inf")


# Curves as functions.


def test_monotone_pools_what_rises_and_stays_under_the_baseline() -> None:
    values = np.array([[0.93, 0.97], [0.6, 0.8], [0.8, 0.8], [0.2, 0.4]])
    curve = Monotone.fit(np.array([0.1, 1.0, 2.0, 4.0]), values, 0.9)
    np.testing.assert_allclose(curve.values.mean(1), [0.9, 0.75, 0.75, 0.3])
    np.testing.assert_allclose(curve.values[1], [0.7, 0.8])  # chip by chip
    assert curve.at(0).mean() == 0.9
    assert curve.drop(0.05).value == 0
    assert curve.drop(100).value == pytest.approx(0.6)
    assert curve.drop(np.sqrt(8)).value == pytest.approx(0.9 - (0.75 + 0.3) / 2)  # straight in the logarithm
    start = Monotone.fit(np.array([1.0]), np.array([[0.5, 0.5]]), 0.9)
    assert start.drop(0.25).value == pytest.approx(0.1)  # straight in the exposure


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.booleans())
@settings(max_examples=60, deadline=None)
def test_monotone_is_the_least_squares_fit(means: list[float], falling: bool) -> None:
    from sklearn.isotonic import IsotonicRegression

    x = np.arange(1.0, len(means) + 1)
    fitted = Monotone.fit(x, np.array(means)[:, None], 0.5, falling=falling).values[:, 0]
    slow = IsotonicRegression(increasing=not falling).fit(x, means).predict(x)
    np.testing.assert_allclose(fitted, np.minimum(slow, 0.5) if falling else np.maximum(slow, 0.5), atol=1e-9)


def test_heat_map_is_read_off_the_curves() -> None:
    found = measured()
    heat = found.heat_map(bits=(64, 4), rates=(1e-3, 1e-4), inferences=16)
    assert heat.drop.shape == (3, 2, 2)
    for i, layer in enumerate(found.layers):
        assert heat.exposure[i, 0, 0] == pytest.approx(16 * 63e-3)
        # The memory of the curve itself: the point that was measured, up to pooling.
        assert heat.drop[i, 0, 0] == found.drop(layer, found.exposure[i, 2]).value
    assert not heat.outside.any()
    assert found.heat_map(bits=(64,), rates=(1e-2,), inferences=100).outside.all()
    raw = found.heat_map(bits=(4,), rates=(1e-3,), inferences=100, alike="exposure")
    ends = found.heat_map(bits=(4,), rates=(1e-3,), inferences=100)
    assert (ends.drop < raw.drop).all()  # a quarter of the misreads of four bits are none


def bounded(first: list[float], exposure: float = 0.1) -> Monotone:
    return Monotone.fit(np.array([exposure, 1.0]), np.array([first, [0.2] * len(first)]), 0.9)


def test_below_the_smallest_exposure_there_is_a_bound() -> None:
    curve = bounded([0.7, 0.72, 0.68])
    for exposure in (0.01, 0.0999):
        assert curve.bound(exposure) == (curve.drop(0.1), True)
    for exposure in (0.0, 0.1, 0.5, 1.0, 3.0):  # nothing happened, or it was measured
        assert curve.bound(exposure) == (curve.drop(exposure), False)
    assert curve.drop(0.01).value == pytest.approx(0.02), "forecasts still go straight to nothing"


def test_below_what_is_within_the_noise_of_nothing_there_is_nothing() -> None:
    noisy = bounded([0.6, 0.99, 0.99])
    assert noisy.drop(0.1).low < 0 < noisy.drop(0.1).value
    drop, below = noisy.bound(0.01)
    assert (drop.value, below) == (0, False)
    assert drop[1:] == noisy.drop(0.1)[1:]
    assert bounded([0.95, 0.97]).bound(0.01)[0].value == 0
    # A single chip has no noise that it could be within.
    one = bounded([0.7])
    assert one.bound(0.01)[1]
    assert not bounded([0.9]).bound(0.01)[1]


def test_the_heat_map_marks_what_was_not_measured_on_either_side() -> None:
    found = measured()
    # fc1 is pixels, whose drops are large already at the smallest exposure.
    heat = found.heat_map(bits=(64, 4), rates=(1e-2, 1e-4, 1e-5), inferences=10)
    i = next(i for i, layer in enumerate(found.layers) if found.drop(layer, 0.1).low > 0)
    first = found.drop(found.layers[i], float(found.exposure[i, 0]))
    assert heat.below[i].tolist() == [[False, False], [True, True], [True, True]]
    for j, k in ((1, 0), (1, 1), (2, 0)):
        assert (heat.drop[i, j, k], heat.low[i, j, k], heat.high[i, j, k]) == first
    assert not (heat.below & heat.outside).any()
    assert f"≤{100 * first.value:.2f}" in str(heat)
    assert "≤: below the smallest" in str(heat)
    assert "≤" not in str(found.heat_map(bits=(64,), rates=(1e-3,), inferences=16))
    again = HeatMap.from_dict(json.loads(json.dumps(heat.to_dict())))
    np.testing.assert_array_equal(again.below, heat.below)
    assert [row["below"] for row in again.rows()] == heat.below.flatten().tolist()
    old = heat.to_dict()
    del old["below"]  # files of before
    assert not HeatMap.from_dict(old).below.any()


def test_the_memorys_own_rate_is_in_the_table() -> None:
    assert measured().heat_map().rates == (1e-3, 1e-4, 4.55e-5, 1e-5)
    assert measured().heat_map(rates=(1e-5,)).rates == (1e-5,)
    usual = replace(measured(), memory=memory(64, 4.55e-5))
    assert usual.heat_map(bits=(64,)).rates == (1e-4, 4.55e-5, 1e-5)


def test_tables_say_that_drops_are_smoothed() -> None:
    found = measured()
    rising = replace(found, values=found.values[:, ::-1])  # chance gone mad: everything pooled into one level
    assert "smoothed drop" in str(found)
    assert "drops are smoothed to rise with exposure" in str(found)
    assert "smoothed to rise" in str(found.heat_map(bits=(64,)))
    assert "smoothed" in (Curves.drop.__doc__ or "")
    assert len({found.drop("fc1", float(x)).value for x in found.exposure[0]}) == 4
    assert len({round(rising.drop("fc1", float(x)).value, 12) for x in rising.exposure[0]}) == 1


def test_short_tracks_are_foretold_by_misreads() -> None:
    """Direct simulation of K = 4 at the rate where exposures are those of K = 64."""
    found, (model, test) = measured(), binary.classifier(256, 128)
    on = memory(4, 21e-3)
    direct = sensitivity(model, test, on, layers=["fc2"], exposures=[1.0], n_chips=24)
    drop = direct.baseline - direct.values[0, 0].mean()
    age = int(direct.inferences[0, 0])
    near, far = (
        found.drop("fc2", found.place("fc2", on, age, alike=alike)).value  # type: ignore[arg-type]
        for alike in ("misreads", "exposure")
    )
    assert abs(near - drop) < abs(far - drop)


def test_results_survive_json_and_print() -> None:
    found = measured()
    again = Curves.from_dict(json.loads(json.dumps(found.to_dict())))
    assert str(again) == str(found)
    assert "fc2" in str(found)
    heat = found.heat_map(bits=(64, 2), rates=(1e-2,))
    assert str(HeatMap.from_dict(json.loads(json.dumps(heat.to_dict())))) == str(heat)
    assert "≥" in str(heat)
    assert len(found.rows()) == 12
    assert len(heat.rows()) == 6


# Bad input.


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"layers": ["fx"]}, UnknownNameError, "unknown layer 'fx': did you mean 'fc'?"),
        ({"layers": ["norm"]}, ModelError, "layer 'norm' is not stored on nanowires"),
        ({"layers": ["fc", "fc.weight"]}, SpecError, "layer 'fc' is named twice"),
        ({"layers": "fc"}, SpecError, "must be a list of layer names"),
        ({"exposures": []}, SpecError, "one at least"),
        ({"exposures": [0.0]}, SpecError, "more than zero"),
        ({"exposures": ["x"]}, SpecError, "list of expected faults"),
        ({"n_chips": 0}, SpecError, "n_chips=0"),
        (
            {"memory": mho.Memory(device=mho.devices.Skyrmion(slip_rate=0.1), mapping=Tracks(bits=8))},
            SpecError,
            "device=Skyrmion(...) takes no position code",
        ),
        (
            {"memory": {"fc": mho.Memory(device=mho.devices.Skyrmion(), mapping=Tracks(bits=8)), "*": memory()}},
            SpecError,
            "device=Skyrmion(...) takes no position code",
        ),
        ({"memory": memory(rate=0.0)}, SpecError, "fault_rate=0"),
        ({"memory": mho.Memory(device=mho.devices.RRAM1(sigma=0.1))}, ModelError, "no layer is on nanowires"),
        (
            {"memory": {"fc": memory(), "*": memory(16)}},
            SpecError,
            "layers are on different racetrack memories",
        ),
    ],
)
def test_bad_input_is_one_clear_line(change: dict[str, Any], kind: type[MhoError], said: str) -> None:
    model, data = made(Residual)
    arguments = {"memory": memory(), "n_chips": 2} | change
    with pytest.raises(kind) as error:
        sensitivity(model, data, **arguments)  # type: ignore[arg-type]
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_layers_of_a_curve_are_found_by_name() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'fc1'"):
        measured().drop("fc_1", 1.0)
    with pytest.raises(SpecError, match="alike"):
        measured().heat_map(alike="length")  # type: ignore[arg-type]


def test_heat_maps_have_the_lengths_and_rates_that_a_memory_can_have() -> None:
    model, test = binary.classifier(16)
    weights = Tracks(bits=48, weight_bits=4, slicing="interleaved", ports=4)
    many = mho.Memory(device=Racetrack(fault_rate=1e-3), mapping=weights)
    heat = sensitivity(model, test, many, exposures=(0.1, 1.0), n_chips=2).heat_map()
    assert heat.bits == (64, 48, 32, 16, 8, 4)
    assert heat.rates == (1e-3, 1e-4, 4.55e-5, 1e-5)
    own = many.replace(device=Racetrack(fault_rate=1e-3, rewind="faulty", rewind_rates=(1e-2,)))
    curves = sensitivity(model, test, own, exposures=(0.1, 1.0), n_chips=2)
    assert curves.heat_map().rates == (1e-3,)
    with pytest.raises(SpecError, match="rewind_rates"):
        curves.heat_map(rates=(1e-4,))


def test_one_input_convolutions_of_the_published_simulator_misread_too() -> None:
    assert misread(compat2024(64, 1e-4), (64, 1, 3, 3), 1.0) > 0.4
    assert misread(memory(1), (64, 1, 3, 3), 1.0) == 0
