"""Fronts, prices and shares against their definitions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import made, seen
from reference.codesign import front as reference_front
from reference.codesign import shapley

from mho.codesign.front import affordable, cheapest_first, hope, near, pareto, price
from mho.codesign.why import share

DESIGN = made(minimise=("write_cycles", "training_seconds"))
NOTHING = DESIGN.nothing
small = st.integers(0, 3)
POINTS = st.floats(-1, 1)


def listed(points):
    """Candidates of given values and costs; the option's name is only a number here."""
    return [
        seen(
            DESIGN,
            {**NOTHING, "model.method": str(i)},
            (0.8 + v / 10, 0.8 + (v - w) / 10, 0.8 + (v + w) / 10),
            write_cycles=float(a),
            training_seconds=float(b),
        )
        for i, (v, w, a, b) in enumerate(points)
    ]


@given(st.lists(st.tuples(small, st.just(0), small, small), min_size=1, max_size=8))
def test_the_front_is_what_nobody_beats(points) -> None:
    found = pareto(DESIGN, listed(points))
    numbers = [(c.margin, *(c.number(n) for n in DESIGN.minimise)) for c in listed(points)]
    wanted = reference_front(numbers)
    assert sorted((c.margin, *(c.number(n) for n in DESIGN.minimise)) for c in found) == sorted(wanted)
    assert [price(DESIGN, c) for c in found] == sorted(price(DESIGN, c) for c in found)


@given(st.lists(st.tuples(small, st.integers(0, 2), small, small), min_size=1, max_size=8))
def test_what_may_be_on_the_front_is_looked_at_again(points) -> None:
    """A candidate left out is far from the target, or another that costs no more is surely better, or good enough."""
    candidates = listed(points)
    kept = {c.chosen for c in near(DESIGN, candidates)}
    assert kept
    if not any(c.best >= -hope(DESIGN) for c in candidates):
        return
    for c in candidates:
        if c.chosen not in kept and c.best >= -hope(DESIGN):
            cheaper = [d for d in candidates if all(d.number(n) <= c.number(n) for n in DESIGN.minimise)]
            assert any(d.sure > c.best or d.sure >= 0 for d in cheaper)


def test_the_cheapest_that_surely_meets_it_is_looked_at_again() -> None:
    dear, cheap, doubtful = listed([(3, 1, 3, 3), (1, 1, 1, 1), (-1, 1, 0, 0)])
    assert near(DESIGN, [dear, cheap, doubtful]) == [cheap, doubtful]
    assert near(DESIGN, [dear, cheap]) == [cheap]


def test_a_hair_of_one_cost_does_not_pay_for_another() -> None:
    much, dear, cheap, far = listed([(3, 0, 900, 3), (3, 0, 1000, 3), (3, 0, 1001, 0), (3, 0, 2000, 0)])
    assert cheapest_first(DESIGN, [far, dear, cheap]) == [cheap, dear, far]
    assert cheapest_first(DESIGN, [far, dear, cheap, much]) == [much, cheap, dear, far]
    little, nothing = listed([(3, 0, 1000, 0.1), (3, 0, 1000, 0)])
    assert cheapest_first(DESIGN, [little, nothing]) == [nothing, little]


def test_what_does_not_fit_the_budget_is_out() -> None:
    design = made(budget={"write_cycles": 2})
    found = listed([(3, 0, 1, 0), (3, 0, 3, 0)])
    assert [c.number("write_cycles") for c in affordable(design, found)] == [1]


def test_a_cost_that_nobody_knows_is_not_cheap() -> None:
    (found,) = listed([(1, 0, 1, 0)])
    assert found.number("write_joules") == math.inf
    assert not affordable(made(budget={"write_joules": 1e9}), [found])


@given(st.integers(1, 4).flatmap(lambda n: st.tuples(st.just(n), st.lists(POINTS, min_size=2**n, max_size=2**n))))
def test_shares_are_shapley_values(drawn) -> None:
    n, values = drawn
    axes = [f"axis {i}" for i in range(n)]
    worth = {frozenset(a for i, a in enumerate(axes) if k >> i & 1): v for k, v in enumerate(values)}
    wanted = shapley(axes, worth.__getitem__)
    found = {axis: share(axis, axes, worth) for axis in axes}
    for axis in axes:
        assert found[axis].shapley == pytest.approx(wanted[axis], abs=1e-12)
        assert found[axis].alone == worth[frozenset({axis})] - worth[frozenset()]
        assert found[axis].last == worth[frozenset(axes)] - worth[frozenset(axes) - {axis}]
    total = worth[frozenset(axes)] - worth[frozenset()]
    assert sum(s.shapley for s in found.values()) == pytest.approx(total, abs=1e-12)
