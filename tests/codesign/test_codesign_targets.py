"""Targets as people write them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mho.codesign import Target
from mho.errors import SpecError
from mho.evaluation import METRICS, Interval, Population
from mho.units import YEAR


@pytest.mark.parametrize(
    ("said", "fields", "again"),
    [
        ("p1 >= 0.95", {"statistic": "p1", "at_least": 0.95}, "p1 >= 0.95"),
        ("P2.5≥95%", {"statistic": "p2.5", "at_least": 0.95}, "p2.5 >= 0.95"),
        ("mean >= 0.9 at 1y", {"statistic": "mean", "at_least": 0.9, "age": YEAR}, "mean >= 0.9 at 1y"),
        ("yield(0.95) >= 99 %", {"statistic": "yield", "level": 0.95, "at_least": 0.99}, "yield(0.95) >= 0.99"),
        ("yield(95 %) >= 0.99", {"statistic": "yield", "level": 0.95, "at_least": 0.99}, "yield(0.95) >= 0.99"),
        ("p1 >= 0.12345678", {"statistic": "p1", "at_least": 0.12345678}, "p1 >= 0.12345678"),
        ("worst(0.03) >= .8", {"statistic": "worst", "level": 0.03, "at_least": 0.8}, "worst(0.03) >= 0.8"),
        (
            "worst(0.06 of cells) >= 0.8",
            {"statistic": "worst", "level": 0.06, "cells": True, "at_least": 0.8},
            "worst(0.06 of cells) >= 0.8",
        ),
        ("mean <= 12.5", {"statistic": "mean", "at_most": 12.5}, "mean <= 12.5"),
    ],
)
def test_a_target_is_read_and_written(said, fields, again) -> None:
    target = Target.of(said)
    assert target == Target(**fields)
    assert target.label() == again
    assert Target.of(again) == target


def test_an_age_may_count_inferences() -> None:
    target = Target.of("mean >= 0.9 at 1e6 inferences")
    assert target.age == 1e6
    assert target.inferences
    assert target.label() == "mean >= 0.9 at 1e6 inferences", "and never seconds"
    assert target.label("inferences") == "mean >= 0.9 at 1e6 inferences"
    assert Target.of(target.label("inferences")) == target


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("p1 > 0.95", "'p1 >= 0.95'"),
        ("best >= 0.9", "'p1 >= 0.95'"),
        ("p1 >= nine", "'nine' is no number"),
        ("p0 >= 0.9", "between 0 and 100"),
        ("yield >= 0.9", "yield(0.95)"),
        ("worst >= 0.9", "worst(0.03)"),
        ("mean(0.3) >= 0.9", "takes no number"),
        ("worst(3) >= 0.9", "3 % is 0.03"),
        ("worst(0.03) >= 0.9 at 1y", "means nothing to a worst case"),
        ("mean >= 0.9 at noon", "'noon' is no duration"),
        (0.9, "'p1 >= 0.95'"),
    ],
)
def test_what_is_no_target_is_refused_in_one_line(said, names) -> None:
    with pytest.raises(SpecError) as caught:
        Target.of(said)
    assert names in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fields", [{}, {"at_least": 0.1, "at_most": 0.2}])
def test_a_target_has_one_side(fields) -> None:
    with pytest.raises(SpecError, match="one of the two"):
        Target(statistic="mean", **fields)


def test_the_side_must_be_the_one_that_somebody_wants() -> None:
    Target.of("p1 >= 0.9").check_metric(METRICS["accuracy"])
    Target.of("p99 <= 20").check_metric(METRICS["perplexity"])
    with pytest.raises(SpecError, match="write >="):
        Target.of("mean <= 0.9").check_metric(METRICS["accuracy"])
    with pytest.raises(SpecError, match="write <="):
        Target.of("mean >= 20").check_metric(METRICS["perplexity"])
    with pytest.raises(SpecError, match="take a percentile"):
        Target.of("yield(20) >= 0.9").check_metric(METRICS["perplexity"])
    with pytest.raises(SpecError, match="95 % is written"):
        Target.of("p1 >= 95").check_metric(METRICS["accuracy"])


def test_statistics_are_those_of_the_population() -> None:
    values = np.linspace(0, 1, 1001)
    population = Population(values=values, ekl_values=None, sigma=None, age=0.0)
    assert Target.of("p10 >= 0").statistic_of(population) == population.percentile(10)
    assert Target.of("mean >= 0").statistic_of(population) == population.mean
    assert Target.of("yield(0.25) >= 0").statistic_of(population) == population.yield_above(0.25)


def test_proof_takes_the_end_on_the_wrong_side() -> None:
    high, low = Target.of("mean >= 0.9"), Target.of("mean <= 0.9")
    assert high.proven(Interval(0.95, 0.9, 0.97))
    assert not high.proven(Interval(0.95, 0.89, 0.97))
    assert not high.proven(Interval(0.95, math.nan, 0.97))
    assert low.proven(Interval(0.5, 0.4, 0.9))
    assert not low.proven(Interval(0.5, 0.4, 0.91))
    assert high.margin(0.95) == pytest.approx(0.05)
    assert low.margin(0.95) == pytest.approx(-0.05)
