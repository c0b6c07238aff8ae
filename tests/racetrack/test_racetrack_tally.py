"""What the circuits saw: the errors of the chips themselves, and those that a code undid."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import mho
from mho.devices.position_codes import GROGU, PositionCode
from mho.devices.racetrack import Racetrack
from mho.errors import SpecError
from mho.mapping.tracks import Tracks
from mho.racetrack.tally import EVENTS, tally

SECDED = PositionCode(correctable=1, detectable=2, detection_cycles=1, correction_cycles=1)


def chips(code: PositionCode | None = None, rows: int = 64, **device: Any) -> mho.memory.Chips:
    """One layer, bits alternating along its tracks so that every slip within shows."""
    model = nn.Sequential(nn.Linear(48, rows, bias=False)).eval()
    with torch.no_grad():
        model[0].weight.copy_(1.0 - 2.0 * (torch.arange(48) % 2))
    memory = mho.Memory(device=Racetrack(correction=code, **device), mapping=Tracks(bits=16))
    return mho.deploy(model, memory)


CASES = [  # code, share of doubles, events to their share of the errors
    (None, 0.3, {"undetected": 1.0}),
    (GROGU(), 0.0, {"detections": 1.0, "corrections": 1.0}),
    (GROGU(), 0.3, {"detections": 1.0, "corrections": 1.0, "undetected": 0.3}),  # 2 looks like -1: moved, wrongly
    (SECDED, 0.3, {"detections": 1.0, "corrections": 0.7, "reloads": 0.3}),
    (PositionCode(correctable=0, detectable=1, detection_cycles=1, correction_cycles=1), 0.3,
     {"detections": 0.7, "reloads": 0.7, "undetected": 0.3}),
    (PositionCode(correctable=0, detection_cycles=1, correction_cycles=1), 0.3, {"undetected": 1.0}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "double", "shares"), CASES, ids=range(len(CASES)))
@pytest.mark.parametrize("rewind", ["free", "faulty"])
def test_expectation_and_chips_agree(code: PositionCode | None, double: float, shares, rewind: str) -> None:
    """Means within 4.5 standard errors; counts are sums of Bernoulli trials, and their variance is that of such."""
    n, inferences, rate = 200, 3, 2e-3
    step = {"rewind_step": 4} if rewind == "faulty" else {}
    found = tally(chips(code, fault_rate=rate, double=double, rewind=rewind, **step), range(n), inferences)["0"]
    reads = 64 * 3 * 15 * inferences
    rates = [(reads, rate)]
    if rewind == "faulty":  # 15 positions in steps of 4, 4, 4 and 3
        rates += [(64 * 3 * 3 * inferences, 1 - (1 - rate) ** 4), (64 * 3 * inferences, 1 - (1 - rate) ** 3)]
    assert found.shifts == sum(k for k, _ in rates)
    assert found.checks == (found.shifts if code else 0)
    for event in EVENTS:
        share = 1.0 if event == "faults" else shares.get(event, 0.0)
        mean = sum(k * p * share for k, p in rates)
        variance = sum(k * p * share * (1 - p * share) for k, p in rates)
        assert found.expected[event] == pytest.approx(mean)
        assert found.std[event] == pytest.approx(math.sqrt(variance))
        counts = found.counts[event]
        assert counts.shape == (n,)
        if not share:
            assert not counts.any()
            continue
        assert abs(counts.mean() - mean) < 4.5 * math.sqrt(variance / n)
        # (n - 1) s^2 / variance is chi-squared: standard deviation sqrt(2 n).
        assert abs(counts.var(ddof=1) / variance - 1) < 4.5 * math.sqrt(2 / n)


def test_without_a_code_these_are_the_errors_of_the_chips() -> None:
    """Where nothing was counted no weight moved, and the other way round (a slip at the last bit shows as an edge)."""
    made, n = chips(rows=8, fault_rate=2e-3, fill="one"), 300
    counts = tally(made, range(n), 1)["0"].counts["undetected"]
    weights = made.weights(range(n), age=1)["0.weight"]
    moved = (weights != made.weights(range(n), age=0)["0.weight"]).flatten(1).any(1).numpy()
    assert not moved[counts == 0].any()
    # A single error is seen in the bits read after it, at least one, except where the one that is seen is the same.
    assert 0.3 < (counts == 0).mean() < 0.7
    assert moved[counts == 1].mean() > 0.9


def test_what_a_code_undoes_is_counted_and_never_applied() -> None:
    made = chips(GROGU(), fault_rate=1e-2)
    assert tally(made, range(3), 10)["0"].counts["corrections"].min() > 100
    assert torch.equal(made.weights(range(3), age=10)["0.weight"], made.weights(range(3), age=0)["0.weight"])


def test_jumps_that_a_code_leaves_are_the_chips_own() -> None:
    made, n = chips(GROGU(), rows=8, fault_rate=2e-2, double=0.1, fill="one"), 300
    counts = tally(made, range(n), 1)["0"].counts["undetected"]
    weights = made.weights(range(n), age=1)["0.weight"]
    moved = (weights != made.weights(range(n), age=0)["0.weight"]).flatten(1).any(1).numpy()
    assert not moved[counts == 0].any()
    assert moved[counts == 1].mean() > 0.9


@pytest.mark.parametrize("code", [None, GROGU()])
def test_a_chip_is_a_number_with_a_past(code: PositionCode | None) -> None:
    made = chips(code, fault_rate=1e-2, double=0.2)
    early, late = (tally(made, range(100), n)["0"].counts for n in (2, 7))
    alone = tally(made, [83], 7)["0"].counts
    for event in EVENTS:
        assert (early[event] <= late[event]).all()
        assert late[event][83] == alone[event][0]
    other = tally(mho.deploy(made.model, made.rules, seed=1), range(100), 7)["0"].counts
    assert not np.array_equal(other["faults"], late["faults"])


def test_planes_behind_the_code_and_planes_without() -> None:
    memory = mho.Memory(
        device=Racetrack(fault_rate=0.02, correction=GROGU(), protected_planes=1),
        mapping=Tracks(bits=16, weight_bits=4),
    )
    found = tally(mho.deploy(nn.Sequential(nn.Linear(48, 64)).eval(), memory), range(50), 1)["0"]
    assert (found.nanowires, found.protected) == (4 * 192, 192)
    trials = 192 * 15
    for event, number in (("corrections", trials), ("undetected", 3 * trials), ("faults", 4 * trials)):
        mean = number * 0.02
        assert found.expected[event] == pytest.approx(mean)
        assert abs(found.counts[event].mean() - mean) < 4.5 * math.sqrt(mean * 0.98 / 50)


def test_it_prints_and_is_plain_data() -> None:
    found = tally(chips(GROGU(), fault_rate=1e-3), range(4), 5)
    data = json.loads(json.dumps(found.to_dict()))
    assert data["layers"][0]["counts"]["faults"] == found["0"].counts["faults"].tolist()
    assert "After 5 inferences" in str(found)
    assert "corrections" in str(found)
    assert {row["event"] for row in found.rows()} == set(EVENTS)
    none = tally(chips(fault_rate=1e-3), inferences=5)
    assert "corrections" not in str(none)
    assert none.rows()[0]["mean"] is None


@pytest.mark.parametrize("inferences", [-1, 1.5, True])
def test_inferences_are_counted(inferences) -> None:
    with pytest.raises(SpecError, match="must be an integer, zero or more"):
        tally(chips(), range(1), inferences)


def test_nothing_happens_before_the_first_inference() -> None:
    found = tally(chips(fault_rate=0.5), range(2), 0)["0"]
    assert (found.shifts, found.expected["faults"], found.counts["faults"].sum()) == (0, 0, 0)
