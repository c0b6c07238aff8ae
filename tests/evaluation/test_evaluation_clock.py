"""Ages count what the devices count: seconds, or inferences; never both in one place."""

from __future__ import annotations

import json
import math

import pytest
import torch
from reference import nets
from reference.wear import Wear
from torch import nn

import mho
from mho.devices import RRAM1, MeasuredTable, PowerLawDrift, ReadNoise, Stack, StuckAt
from mho.errors import SpecError
from mho.evaluation import Result
from mho.evaluation.comparison import Comparison
from mho.evaluation.verification import Verification
from mho.memory import Memory, NameRules
from mho.programming import WriteVerify
from mho.units import Timespan

DATA = nets.inputs(24, 6), torch.arange(24) % 3
AGED = Stack(stages=(RRAM1(sigma=0.1), Wear()))
DRIFT = Stack(stages=(RRAM1(sigma=0.1), PowerLawDrift(nu=0.05)))


def deployed(device, **rules):
    model = nets.seeded(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)))
    return mho.deploy(model, {**{k: Memory(device=d) for k, d in rules.items()}, "*": Memory(device=device)})


def measured(ages) -> MeasuredTable:
    row = [(0.1, 0.1)] * len(ages)
    return MeasuredTable(states=(0.0, 1.0), mean=tuple([(0.0, 1.0)] * len(ages)), std=tuple(row), ages=ages)


@pytest.mark.parametrize(
    ("device", "clock"),
    [
        (RRAM1(sigma=0.1), None),
        (StuckAt(sa0=0.1, sa1=0.1), None),
        (measured((1.0,)), None),
        (measured((1.0, 10.0)), "s"),
        (ReadNoise(q=0.1), "s"),
        (DRIFT, "s"),
        (Wear(), "inferences"),
        (AGED, "inferences"),
        (Stack(stages=(Stack(stages=(RRAM1(sigma=0.1),)), Wear())), "inferences"),
    ],
)
def test_what_the_age_of_a_device_counts(device, clock) -> None:
    assert device.clock == clock
    assert Memory(device=device).clock == clock
    assert NameRules(rules={"fc": None, "*": Memory(device=device)}).clock == clock
    assert deployed(device).clock == (clock or "s")


def test_what_does_not_age_stands_beside_any_clock() -> None:
    assert deployed(AGED, **{"0": RRAM1(sigma=0.1)}).clock == "inferences"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (lambda: Stack(stages=(RRAM1(sigma=0.1), PowerLawDrift(nu=0.05), Wear())), "Stack: PowerLawDrift in seconds"),
        (lambda: deployed(AGED, **{"0": DRIFT}), "rules: RRAM1"),
        (lambda: NameRules(rules={"0": Memory(device=DRIFT), "*": Memory(device=AGED)}), "rules: RRAM1"),
    ],
)
def test_two_clocks_in_one_place_are_refused(wrong, named) -> None:
    with pytest.raises(SpecError) as error:
        wrong()
    assert named in str(error.value)
    assert "Wear in inferences count their ages differently" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_clock_that_does_not_exist_is_refused() -> None:
    class Cycles(Wear):
        clock = "cycles"

    with pytest.raises(SpecError, match="clock='cycles' is none; an age counts 's' or 'inferences'"):
        Stack(stages=(RRAM1(sigma=0.1), Cycles()))


BAD = [
    (1.5, "age=1.5 must be a whole number"),
    (Timespan(3600), "age=1h is a time, but this memory ages by inferences"),
    (Timespan(0), "age=0s is a time"),
    (-1, "age=-1 must be zero or more inferences, and finite"),
    (math.inf, "age=inf must be zero or more inferences, and finite"),
    (math.nan, "age=nan must be zero or more inferences, and finite"),
]


@pytest.mark.parametrize(("age", "named"), BAD, ids=str)
def test_ages_that_no_number_of_inferences_is(age, named) -> None:
    chips = deployed(AGED)
    verified = Memory(device=AGED, programming=WriteVerify(tolerance=0.1))
    for ask in (
        lambda: mho.evaluate(chips, DATA, n_chips=2, age=age),
        lambda: mho.evaluate(chips, DATA, n_chips=2, age=[1000, age]),
        lambda: mho.compare(chips, chips, DATA, n_chips=2, age=age),
        lambda: mho.verify(chips.model, verified, DATA, rankings=("random",), n_chips=2, age=age),
        lambda: chips.weights(0, age=age),
    ):
        with pytest.raises(SpecError) as error:
            ask()
        assert named in str(error.value)
        assert "\n" not in str(error.value)


def test_seconds_take_times_and_fractions() -> None:
    chips = deployed(DRIFT)
    result = mho.evaluate(chips, DATA, n_chips=2, age=[0.5, Timespan(3600)])
    assert (result.age, result.clock) == ((0.5, 3600.0), "s")
    assert "500ms" in str(result)
    assert "age_s" in result.rows()[0]


def test_an_evaluation_counts_inferences_everywhere() -> None:
    chips = deployed(AGED)
    fresh, worn = chips.weights(3)["0.weight"], chips.weights(3, age=100)["0.weight"]
    torch.testing.assert_close(worn, fresh * 0.99**100)
    result = mho.evaluate(chips, DATA, n_chips=3, age=[0, 1000, 1e6])
    assert result.clock == "inferences"
    assert {p.clock for p in result.populations()} == {"inferences"}
    assert [row["age_inferences"] for row in result.rows()] == [0, 1000, 1e6]
    assert "age_s" not in result.rows()[0]
    header, *rows = str(result).splitlines()[1:]
    assert header.split()[:2] == ["inferences", "mean"]
    assert [line.split()[0] for line in rows[1:4]] == ["0", "1,000", "1e6"]
    with pytest.raises(SpecError, match=r"no age 7 in this result; it has 0, 1,000, 1e6"):
        result.at(age=7)


def test_adaptive_results_carry_the_clock() -> None:
    result = mho.evaluate(deployed(AGED), DATA, n_chips=4, age=[0, 100], precision=1e-6)
    assert {p.clock for p in result.populations()} == {"inferences"}
    assert "mean at 100 inferences is known to" in str(result)


def test_comparisons_share_one_age() -> None:
    still, worn, drifts = deployed(RRAM1(sigma=0.1)), deployed(AGED), deployed(DRIFT)
    for a, b in ((still, worn), (worn, still)):
        found = mho.compare(a, b, DATA, n_chips=3, age=100)
        assert (found.age, found.clock) == (100.0, "inferences")
        assert "age 100 inferences, paired" in str(found)
    assert mho.compare(drifts, worn, DATA, n_chips=3).age == 0
    with pytest.raises(SpecError, match=r"a and b: .* count their ages differently"):
        mho.compare(drifts, worn, DATA, n_chips=3, age=100)


def test_verifications_count_inferences() -> None:
    memory = Memory(device=AGED, programming=WriteVerify(tolerance=0.1))
    found = mho.verify(deployed(AGED).model, memory, DATA, rankings=("random",), fractions=(0, 1), n_chips=2, age=1)
    assert (found.age, found.clock, found.at("random", 1).clock) == (1.0, "inferences", "inferences")
    assert found.rows()[0]["age_inferences"] == 1
    assert "age 1 inference, " in str(found)


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        (Result, lambda chips: mho.evaluate(chips, DATA, n_chips=2, age=[0, 10])),
        (Comparison, lambda chips: mho.compare(chips, chips, DATA, n_chips=2, age=10)),
        (
            Verification,
            lambda chips: mho.verify(
                chips.model, Memory(device=AGED, programming=WriteVerify(tolerance=0.1)), DATA,
                rankings=("random",), fractions=(0, 1), n_chips=2, age=10,
            ),
        ),
    ],
)  # fmt: skip
def test_results_are_read_back_with_their_clock_and_old_ones_without(kind, make) -> None:
    written = json.loads(json.dumps(make(deployed(AGED)).to_dict()))
    assert written["clock"] == kind.from_dict(written).clock == "inferences"
    del written["clock"]
    assert kind.from_dict(written).clock == "s"
