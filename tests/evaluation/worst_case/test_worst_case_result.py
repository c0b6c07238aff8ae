"""Bounds from tolerances, random chips, the result as data and text, and the likelihood of what was found."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
import torch
from reference import descent, nets
from torch import nn

from mho.devices import RRAM1
from mho.evaluation.bench import Bench
from mho.evaluation.worst_case import SignedDescent, WorstCase, likelihood, worst_case
from mho.evaluation.worst_case.box import box_of, tolerant
from mho.evaluation.worst_case.chips import KINDS, draw, random_lot
from mho.evaluation.worst_case.likelihood import _log10_mass, intervals
from mho.mapping import Analog, Differential, Offset, SlicedMagnitude
from mho.memory import Memory, deploy
from mho.rng import Draws

QUICK = {"random": 0, "show_progress": False}
MAPPINGS = [
    (SlicedMagnitude(), 1.0),
    (SlicedMagnitude(weight_bits=6, cell_bits=3, granularity="channel"), 1.0),
    (Differential(weight_bits=4, cell_bits=2), 2.0),
    (Offset(weight_bits=4, cell_bits=2), 15 / 7),
    (Analog(), 1.0),
]


@pytest.mark.parametrize(("how", "factor"), MAPPINGS, ids=[f"{type(m).__name__}-{m.granularity}" for m, _ in MAPPINGS])
def test_a_tolerance_of_cells_bounds_the_weight_as_its_worst_cells_do(small, how, factor: float) -> None:
    model, data = small
    t, chips = 0.05, deploy(model, Memory(device=RRAM1(sigma=0.1), mapping=how))
    case = worst_case(chips, data, tolerance=[t], method=SignedDescent(steps=3), **QUICK)
    assert case.tolerances == (t,)
    assert case.bounds[0] == pytest.approx(factor * t, rel=1e-5)
    for name, place in chips.placements.items():
        weight = chips.model.get_parameter(name).detach()
        encoded = how.encode(weight, place.layer.channel_dim)
        centre = encoded.decode(encoded.levels)
        cells = encoded.levels.shape[0]
        corners = torch.stack(
            [
                encoded.decode(encoded.levels + t * torch.tensor(signs).view(-1, *[1] * weight.dim())) - centre
                for signs in itertools.product((-1.0, 1.0), repeat=cells)
            ]
        )
        largest = corners.abs().amax(0)
        allowed = case.bounds[0] * how.full_scale(weight, 0).expand_as(weight)
        torch.testing.assert_close(largest, allowed, rtol=2e-4, atol=1e-7)
        change = (case.chip().get_parameter(name) - centre).abs().detach()
        assert bool((change <= largest * (1 + 1e-3)).all())


def test_a_tolerance_means_other_bounds_in_other_layers(small) -> None:
    model, data = small
    memory = Memory(device=RRAM1(sigma=0.1))
    chips = deploy(model, {"0": memory, "*": memory.replace(mapping=Differential())})
    box, widest = tolerant(box_of(chips))
    assert widest == 2.0
    assert box.share == {"0.weight": 0.5, "2.weight": 1.0}
    case = worst_case(chips, data, tolerance=0.05, **QUICK)
    largest = {n: float(e.abs().max()) for n, e in case.perturbations[0].items()}
    assert largest == pytest.approx({"0.weight": 0.05, "2.weight": 0.1}, rel=1e-6)
    assert case.reached[0] <= case.bounds[0] == 0.1
    whole = deploy(model, Memory(device=RRAM1(sigma=0.1, level_scope="weight"), mapping=Differential()))
    assert tolerant(box_of(whole))[1] == 1.0, "one virtual cell spans the weight"


def test_random_chips_are_drawn_as_said() -> None:
    draws = Draws(3, "w", torch.arange(4), (5000,), torch.device("cpu"))
    limit, n = 0.25, 20_000
    gaussian, uniform, corners = (draw(kind, draws, limit).double() for kind in KINDS)
    for drawn in (gaussian, uniform, corners):
        assert float(drawn.abs().max()) <= limit
        assert abs(float(drawn.mean())) < 5 * limit / math.sqrt(n)
    # E[min(z^2, 1)] of a standard normal; 1/3; 1. Five standard errors of a mean of numbers within [0, 1].
    clipped = 2 * 0.15865525 + (0.68268949 - 2 * 0.24197072)
    for drawn, square in ((gaussian, clipped), (uniform, 1 / 3), (corners, 1.0)):
        assert float((drawn / limit).square().mean()) == pytest.approx(square, abs=5 * 0.5 / math.sqrt(n))
    assert set(corners.unique().tolist()) == {-limit, limit}
    one = Draws(3, "w", torch.tensor([2]), (5000,), torch.device("cpu"))
    assert torch.equal(draw("uniform", one, limit)[0].double(), uniform[2]), "a chip is a number"


def test_random_chips_are_judged_as_their_weights_say(small) -> None:
    model, (x, y) = small
    box = box_of(model)
    bench = Bench(box.chips, (x, y))
    centre, reach = box.on(bench.where, x[:1], 7)
    lot = random_lot(Bench(centre, (x, y)), reach, "corners", 0.3, 6)
    measured = lot.measure(range(6))[0]
    for number, value in enumerate(measured):
        delta = {}
        for name, weight in box.centre.named_parameters():
            if weight.dim() > 1:
                draws = Draws(7, name, torch.tensor([number]), tuple(weight.shape), weight.device)
                delta[name] = draw("corners", draws, 0.3)[0]
        with torch.no_grad():
            right = (box.chip(delta)(x).argmax(1) == y).double().mean()
        assert float(right) == pytest.approx(value)
    assert len(set(measured)) > 1


def test_a_result_is_data_and_text(small) -> None:
    model, data = small
    case = worst_case(model, data, bound=[0.1, 0.02], random=5, label="mine", show_progress=False)
    kept = WorstCase.from_dict(json.loads(json.dumps(case.to_dict(), allow_nan=False)))
    assert kept.to_dict() == case.to_dict()
    assert kept.rows() == case.rows()
    assert str(kept) == str(case)
    assert [r["bound"] for r in case.rows()] == [0.02, 0.1]
    assert {"found", "searched", "reached", "won", "corners_mean", "corners_worst", "corners_p1"} <= set(case.rows()[0])
    assert case.rows()[1]["uniform_worst"] == case.random["uniform"][1].min()
    lines = str(case).splitlines()
    assert lines[0].startswith("mine: accuracy in % of the worst chip found, 40 samples, seed 0; digital 87.50")
    assert "corners min" in lines[1]
    assert lines[3].startswith("0.02 ")
    assert "reported on the same samples" in lines[-1]
    assert "Within ±10 % of the full scale, a chip of" in case.answer
    assert case.references == ("yan2022worst",)
    with pytest.raises(Exception, match="read from a file"):
        kept.chip(0.1)
    with pytest.raises(Exception, match=r"no bound 0\.05 in this result; it has 0\.02, 0\.1"):
        case.chip(0.05)


def test_the_worst_of_an_error_is_the_largest() -> None:
    model = nets.seeded(nn.Linear(4, 1))
    data = nets.inputs(20, 4), nets.inputs(20, 1, seed=5)
    case = worst_case(model, data, bound=0.1, metric="mse", random=8, show_progress=False)
    assert case.rows()[0]["corners_worst"] == case.random["corners"].max()
    assert case.rows()[0]["corners_p1"] >= np.median(case.random["corners"])
    assert "corners max" in str(case)
    assert case.found[0] >= case.random["corners"].max()

    def largest_miss(outputs, targets):
        return (outputs - targets).abs().max()

    own = worst_case(model, data, bound=0.1, metric=largest_miss, higher_is_better=False, **QUICK)
    assert own.metric == "largest_miss"
    assert own.found[0] > own.ideal


def test_likelihood_is_the_product_of_intervals_found_one_by_one() -> None:
    model = nets.seeded(nn.Linear(3, 2))
    x = nets.inputs(15, 3)
    with torch.no_grad():
        y = model(x).argmax(1)
    case = worst_case(model, (x, y), bound=0.4, **QUICK)
    assert case.found[0] < 1
    found = likelihood(case, (x, y), points=9, sigma=0.3, show_progress=False)
    grid, delta = np.linspace(-0.8, 0.8, 9), case.perturbations[0]["weight"]
    total, tied = 0.0, 0
    for place in itertools.product(range(2), range(3)):
        passes = []
        for error in grid:
            moved = delta.clone()
            moved[place] = error
            with torch.no_grad():
                right = (case.box.chip({"weight": moved})(x).argmax(1) == y).double().mean()
            passes.append(float(right) <= case.found[0] + 1e-9)
        own = float(delta[place])
        up = [i for i in range(9) if grid[i] >= own]
        down = [i for i in range(9) if grid[i] < own][::-1]
        ends = []
        for side, beyond in ((down, -math.inf), (up, math.inf)):
            last, end = own, beyond
            for i in side:
                if not passes[i]:
                    end = (last + grid[i]) / 2
                    break
                last = grid[i]
            ends.append(end)
        tied += any(map(math.isfinite, ends))
        total += descent.log10_normal(ends[0] / 0.3, ends[1] / 0.3)
    assert tied > 0
    assert found.narrowed == tied
    assert found.log10 == pytest.approx(total, rel=1e-6)
    assert sum(found.layers.values()) == pytest.approx(found.log10)
    assert (found.weights, found.value, found.images) == (6, case.found[0], 15)
    assert "probability 10^-" in str(found)


def test_intervals_end_half_way_to_the_first_point_that_is_better() -> None:
    grid = np.array([-2.0, -1, 0, 1, 2])
    passes = np.array([[1, 1, 1, 1, 1], [0, 1, 1, 1, 0], [1, 0, 1, 0, 1], [0, 0, 0, 0, 0]], dtype=bool)
    low, high = intervals(np.array([0.5, 0.5, 0.5, 0.5]), grid, passes)
    assert low.tolist() == [-math.inf, -1.5, -0.5, 0.25]
    assert high.tolist() == [math.inf, 1.5, 0.75, 0.75]


def test_tails_keep_their_digits() -> None:
    """Q(10) = 7.6199e-24, Q(9) - Q(10) = 1.1286e-19."""
    low, high = np.array([10.0, -math.inf, 9.0, -math.inf]), np.array([math.inf, -10.0, 10.0, math.inf])
    wanted = [math.log10(7.619853e-24), math.log10(7.619853e-24), math.log10(1.128512e-19), 0.0]
    assert _log10_mass(low, high) == pytest.approx(wanted, abs=1e-5)


def test_likelihood_refuses_what_would_take_for_ever(lenet, digits, small) -> None:
    case = worst_case(lenet, digits.take(20), bound=0.01, method=SignedDescent(steps=2), **QUICK)
    with pytest.raises(Exception, match=r"105,918 weights, and each is judged at 21 points.*most=105918 allows it"):
        likelihood(case, digits)
    with pytest.raises(Exception, match="read from a file"):
        likelihood(WorstCase.from_dict(case.to_dict()), digits)
    with pytest.raises(Exception, match=r"takes what mho\.worst_case returned, not a Linear"):
        likelihood(nn.Linear(2, 2), digits)
