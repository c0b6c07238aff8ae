from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from mho.evaluation.statistics import Interval, percentile_interval
from mho.reports.answer import caveats, chips_needed, findings
from mho.reports.scale import Scale, tail_of
from mho.reports.summary import Summary
from mho.reports.wording import NBSP, age_words, ordinal


def _words(result) -> str:
    (finding,) = findings(Summary.of({"RRAM1": result}))
    return " ".join([finding.lead, *finding.sentences]).strip().replace(NBSP, " ")


def _caveats(*results) -> list[str]:
    return caveats(Summary.of({str(i): result for i, result in enumerate(results)}))


def test_the_words_are_the_numbers(make) -> None:
    result = make()
    words = _words(result)
    old = result.age[-1]
    easy, next_, hard = (result.at(sigma=s, age=old) for s in (0.05, 0.1, 0.2))
    assert result.digital - easy.mean.value < 0.01 <= result.digital - next_.mean.value
    p1, mean = hard.percentile(1), hard.mean
    assert words.startswith(
        f"At sigma 0.2 after 1 year, 99 % of chips stay above {100 * p1.value:.1f} % [–, {100 * p1.high:.1f}]. "
    )
    shown = f"{100 * mean.value:.1f} % [{100 * mean.low:.1f}, {100 * mean.high:.1f}]"
    assert f" There, the average chip reaches {shown}; the worst of 100 chips seen: {100 * hard.minimum:.1f} %" in words
    assert " Up to sigma 0.05 after 1 year the average chip loses less than one point: it reaches " in words
    assert words.endswith("of chips reach 97 %.")


def test_a_metric_that_is_no_fraction_is_no_percentage(make) -> None:
    fraction = make(percentiles=(50.0, 99.0), threshold=12.0)
    changed = {"values": 20 - 10 * fraction.values, "metric": "perplexity", "bounded": False, "digital": 10.1}
    result = replace(fraction, **changed)
    words, high = _words(result), result.at(sigma=0.2, age=result.age[-1])
    p99 = high.percentile(99)
    lead = f"At sigma 0.2 after 1 year, 99 % of chips stay below {p99.value:.2f} [{p99.low:.2f}, –]. "
    assert words.startswith(f"{lead}There, the average chip has a perplexity of 10.")
    assert f"the highest of 100 chips seen: {high.values.max():.1f}" in words
    assert words.endswith("of chips are at or above 12.")
    assert _caveats(result)[0].startswith("100 chips are too few for an upper limit")


def test_a_hard_device_says_so(make) -> None:
    assert " Already at sigma 0.02 after 1 year the average chip loses a point" in _words(make(softness=9))


def test_an_easy_device_says_so(make) -> None:
    words = _words(make(softness=0.1, age=(0.0,)))
    assert words.startswith("At sigma 0.2, 99 % of chips stay above ")
    assert " Even there the average chip loses less than one point" in words
    assert words.count("worst of") == 1


def test_one_point_is_said_once(make) -> None:
    words = _words(make(sigma=(None,), age=(0.0,), threshold=None))
    assert words.startswith("At the device's own sigma, 99 % of chips stay above ")
    assert " The average chip reaches " in words
    assert words.count(". ") == 1


def test_without_a_percentile_the_average_chip_comes_first(make) -> None:
    words = _words(make(percentiles=()))
    assert words.startswith("At the harshest point, sigma 0.2 after 1 year, the average chip reaches ")
    assert "stay above" not in words


def test_one_chip_claims_nothing_about_others(make) -> None:
    result = make(chips=1)
    assert "of chips stay above" not in _words(result)
    assert "average chip" not in _words(result)
    assert _caveats(result, result) == ["One chip says nothing about the next one."]


def test_no_values_no_claims(make) -> None:
    result = make(sigma=(0.1,), age=(0.0,))
    empty = replace(result, values=np.full_like(result.values, np.nan))
    assert _words(empty) == "At sigma 0.1 no chip gave a value."


@pytest.mark.parametrize(("k", "n"), [(1.0, 368), (5.0, 72)])
def test_the_chips_a_lower_limit_takes(k: float, n: int) -> None:
    assert chips_needed(k, 0.95) == n
    assert math.isnan(percentile_interval(np.arange(n - 1.0), k).low)
    assert not math.isnan(percentile_interval(np.arange(float(n)), k).low)


def test_caveat_is_said_once_and_only_where_due(make) -> None:
    few, enough = make(chips=100), make(chips=400)
    assert len(_caveats(few, few)) == 1
    assert _caveats(enough) == []


def test_wording() -> None:
    assert [ordinal(k) for k in (1, 2, 3, 5, 11, 21, 2.5)] == [
        "1st",
        "2nd",
        "3rd",
        "5th",
        "11th",
        "21st",
        "2.5th",
    ]
    share = Scale("accuracy", fraction=True)
    assert share.measured(Interval(0.9711, math.nan, 0.974)).replace(NBSP, " ") == "97.1 % [–, 97.4]"
    assert share.measured(Interval(0.9711, 0.9707, 0.9715)).replace(NBSP, " ") == "97.11 % [97.07, 97.15]"
    assert Scale("loss", fraction=False).measured(Interval(0.01234, 0.012, math.nan)) == f"0.01234 [0.01200,{NBSP}–]"
    assert age_words(0) == "just programmed"
    assert age_words(7200).replace(NBSP, " ") == "after 2 hours"


def test_the_unlucky_side() -> None:
    assert tail_of((5.0, 1.0, 99.9), True, 100) == (1.0, True)
    assert tail_of((1.0, 95.0), False, 100) == (1.0, True)
    assert tail_of((5.0, 99.0), False, 100) == (99.0, False)
    assert tail_of((), True, 100) == (None, True)


def test_a_percentile_that_chips_are_too_few_for_is_no_headline(make) -> None:
    assert [tail_of((1.0, 5.0), True, n).k for n in (100, 99, 20, 19)] == [1.0, 5.0, 5.0, None]
    assert tail_of((5.0, 99.0), False, 99) == (5.0, True), "of what is known the farthest from the median"
    assert tail_of((5.0, 99.0), False, 5) == (None, False), "the unlucky side stays"
    summary = Summary.of({"RRAM1": make(chips=5)})
    (found,) = findings(summary)
    assert found.lead == ""
    assert "percentile" not in " ".join(found.sentences)
    assert caveats(summary) == ["5 chips are too few for a 5th percentile; that takes 20."]
