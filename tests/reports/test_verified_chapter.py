"""What the page says of the cheapest verification: the words, the tables and the figure are the numbers."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from stand_ins import FRACTIONS, RANKINGS, verification

from mho.errors import SpecError
from mho.evaluation.statistics import mean_interval, percentile_interval
from mho.reports.scale import Scale
from mho.reports.verified import tables, words
from mho.reports.verified.chapter import chapter
from mho.reports.verified.view import Verifications
from mho.reports.wording import NBSP

ACCURACY = Scale("accuracy", True)
THREE = RANKINGS[:3]


def _said(*sources) -> list[str]:
    view = Verifications.of(sources)
    return [" ".join([f.lead, *f.sentences]).replace(NBSP, " ") for f in words.findings(view)]


def _steps(means: dict[str, tuple[float, ...]], chips: int = 40, **changes):
    """A verification whose chips all do the same; NWC is the fraction."""
    spread = np.linspace(-0.001, 0.001, chips)
    values = np.stack([np.array(row)[:, None] + spread for row in means.values()])
    fractions = (0.0, 0.1, 0.5, 0.9, 1.0)
    flat = np.tile(fractions, (len(means), 1))
    made = replace(
        verification(), rankings=tuple(means), fractions=fractions, values=values, nwc=flat, nwc_with_first_write=flat,
        cycles=1e5 * flat, failures=flat, seconds=None, joules=None, target_drop=None, needed=None, reached=None,
    )  # fmt: skip
    return replace(made, **changes)


FEW = {
    "second-derivative": (0.70, 0.969, 0.971, 0.972, 0.972),
    "magnitude": (0.70, 0.80, 0.94, 0.968, 0.972),
    "random": (0.70, 0.72, 0.85, 0.97, 0.972),
}


def test_the_words_are_the_numbers() -> None:
    source = _steps(FEW)
    (said,) = _said(source)
    mean = ACCURACY.measured(mean_interval(source.values[0, 1])).replace(NBSP, " ")
    p5 = ACCURACY.measured(percentile_interval(source.values[0, 1], 5)).replace(NBSP, " ")
    start = 100 * percentile_interval(source.values[0, 0], 5).value
    assert said == (
        f"Verifying 10 % of the weights by second derivative reaches {mean}: as much as 90 % at random. For a drop of "
        "at most 0.5 points it takes 10.0 [10.0, 10.0] times fewer write cycles than verifying all (1.1 [1.1, 1.1] by "
        f"magnitude, 1.1 [1.1, 1.1] at random). There, 95 % of chips stay above {p5}; with none verified, above "
        f"{start:.1f} %. That is 10,000 write cycles a chip (first writes included); 0.1 of 423,672 cells stay outside "
        "the tolerance."
    )


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        ({"a": (0.70, 0.97, 0.97, 0.97, 0.97)}, "Verifying 10 % of the weights by a reaches 97.00 % [96.98, 97.02]. "),
        ({"a": (0.70, 0.97, 0.97, 0.97, 0.97), "b": (0.7, 0.7, 0.7, 0.7, 0.97)}, "; by b, that takes all of them."),
        ({"a": (0.70, 0.99, 0.97, 0.97, 0.97), "b": (0.7, 0.7, 0.7, 0.7, 0.97)}, "99.02]; by b, that takes all of "),
        ({"a": (0.97, 0.97, 0.97, 0.97, 0.97)}, "Even verifying nothing reaches 97.00 %"),
        ({"a": (0.97, 0.97, 0.97, 0.97, 0.97)}, "For a drop of at most 0.5 points, nothing has to be verified."),
        ({"a": (0.70, 0.72, 0.85, 0.90, 0.97)}, "Verifying all weights brings the accuracy from 70.00 % [69.98, 70.02] "
                                                "to 97.00 % [96.98, 97.02]. No ranking comes within 0.5 points"),
    ],
)  # fmt: skip
def test_odd_curves_have_their_own_words(means, expected) -> None:
    (said,) = _said(_steps(means))
    assert expected in said


def test_fractions_that_end_below_one_claim_nothing_about_all() -> None:
    (said,) = _said(replace(_steps(FEW), fractions=(0.0, 0.1, 0.2, 0.3, 0.4)))
    assert "fewer write cycles" not in said
    assert "all" not in said.replace("at all", "")
    view = Verifications.of([replace(_steps(FEW), fractions=(0.0, 0.1, 0.2, 0.3, 0.4))])
    assert tables.savings(view) is None


def test_a_loss_that_falls_has_no_points_and_no_speedup() -> None:
    loss = _steps({k: tuple(5 - 3 * v for v in row) for k, row in FEW.items()}, metric="loss", bounded=False,
                  digital=2.08)  # fmt: skip
    view = Verifications.of([loss])
    assert (view.higher, view.tail.k) == (False, 95.0)
    assert tables.savings(view) is None
    (said,) = _said(loss)
    assert said.startswith("Verifying all weights brings the loss from 2.900 [")
    assert "%" not in said.replace("95 % of chips stay below", "")
    assert view.entries[0].points["random"][1].extreme == loss.values[2, 1].max()


def test_stopping_chip_by_chip_is_told() -> None:
    needed = np.array([[0.1] * 21 + [0.5] * 17 + [math.nan] * 2] * 3)
    source = _steps(FEW, target_drop=0.005, needed=needed, needed_nwc=needed, reached=np.full((3, 40), 0.96))
    (said,) = _said(source)
    assert said.endswith(
        "Stopped chip by chip, once within 0.5 points of the digital network on 2,000 samples of MNIST train, half of "
        "the chips need 10 % or less by second derivative; 2 of 40 never get there."
    )
    row = tables.stops(Verifications.of([source])).rows[0]
    assert [c.text for c in row[1:]] == ["10", "50", "2 of 40", "96.00"]
    never = replace(source, needed=np.full((3, 40), np.nan))
    assert "most chips never get there by second derivative." in _said(never)[0]
    assert tables.stops(Verifications.of([never])).rows[0][1].text == "never"


def test_every_number_is_in_the_table() -> None:
    source = verification()
    table = tables.fractions(Verifications.of([source]))
    assert table.header == ["ranking", "verified, %", "mean", "1st percentile", "worst", "NWC", "with first writes",
                            "cycles", "cells outside", "time", "energy"]  # fmt: skip
    assert len(table.rows) == len(RANKINGS) * len(FRACTIONS)
    for k, row in enumerate(table.rows):
        i, j = divmod(k, len(FRACTIONS))
        values = source.values[i, j]
        mean, p1 = mean_interval(values), percentile_interval(values, 1)
        assert (row[2].text, row[2].aside) == (f"{100 * mean.value:.2f}", ACCURACY.limits(mean))
        assert (row[3].text, row[3].aside) == (f"{100 * p1.value:.2f}", ACCURACY.limits(p1))
        assert row[4].text == f"{100 * values.min():.2f}"
        assert [c.text for c in row[5:7]] == [f"{source.nwc[i, j]:.3g}", f"{source.nwc_with_first_write[i, j]:.3g}"]
        assert row[7].text == f"{source.cycles[i, j]:,.0f}"
        assert row[9].order == source.seconds[i, j]


def test_speedups_are_those_of_the_result() -> None:
    source = verification()
    table = tables.savings(Verifications.of([source]))
    assert [h.replace(NBSP, " ") for h in table.header[1:]] == [f"a drop of {d} point{s}" for d, s in
                                                               (("0.5", "s"), ("1", ""), ("2", "s"))]  # fmt: skip
    value, low, high = source.speedup(0.02)["second-derivative"]
    assert (table.rows[0][3].text, table.rows[0][3].aside) == (f"{value:.1f}×", f"[{low:.1f}, {high:.1f}]")
    asked = tables.savings(Verifications.of([replace(source, target_drop=0.015)]))
    assert "a drop of 1.5 points" in [h.replace(NBSP, " ") for h in asked.header]


@pytest.mark.parametrize(("rankings", "panels"), [(THREE, 1), (RANKINGS, 2)])
def test_every_point_tells_its_numbers(rankings, panels) -> None:
    source = verification(rankings=rankings)
    plate = chapter([source], [], {}).plates[0]
    assert len(plate.panels) == panels
    told = [
        w.replace(NBSP, " ")
        for panel in plate.panels
        for w in re.findall(r"<title>([^<]+)</title></circle>", panel.svg())
    ]
    assert len(told) == len(set(told)) == 2 * len(rankings) * len(FRACTIONS), "mean and percentile of every point"
    mean = ACCURACY.measured(mean_interval(source.values[0, 4])).replace(NBSP, " ")
    nwc, first = source.nwc[0, 4], source.nwc_with_first_write[0, 4]
    assert (
        f"sigma 0.2, second derivative\n10 % of the weights verified\nmean {mean}\nNWC {nwc:.3g}, {first:.3g} with "
        "the first write\n300 chips"
    ) in told


def test_panels_share_their_axes() -> None:
    mild = verification("sigma 0.1", ease=0.24, rankings=THREE)
    panels = chapter([mild, verification(rankings=THREE)], [], {}).plates[0].panels
    ticks = [re.findall(r"<text[^>]*(?:end|middle)[^>]*>([\d.]+)<", p.svg()) for p in panels]
    assert ticks[0] == ticks[1]
    assert {"0", "0.01", "0.1", "1"} <= set(ticks[0])


@pytest.mark.parametrize("chips", [1, 2, 20, 99, 400])
def test_few_chips_claim_little(chips) -> None:
    source = verification(chips=chips, rankings=THREE)
    view, made = Verifications.of([source]), chapter([source], [], {})
    assert view.tail.k == (None if chips < 20 else 5.0 if chips < 100 else 1.0)
    assert ("percentile" in " ".join(made.tables[-1].table.header)) == (chips >= 20)
    assert "nan" not in "".join(p.svg() for p in made.plates[0].panels)
    assert len(made.caveats) == (20 <= chips < 72 or 100 <= chips < 368)


def test_points_without_a_value_are_left_out() -> None:
    source = verification(rankings=THREE)
    values = source.values.copy()
    values[1] = np.nan
    values[0, 3, :7] = np.nan
    made = chapter([replace(source, values=values, needed=None)], [], {})
    assert "nan" not in made.plates[0].panels[0].svg().lower()
    assert "–" in made.tables[-1].table.rows[len(FRACTIONS)][2].text


def test_clear_refusals() -> None:
    with pytest.raises(SpecError, match=r"two verifications are labelled 'sigma 0\.2'; give verify\(\.\.\., label"):
        Verifications.of([verification(), verification()])
    with pytest.raises(SpecError, match=r"verifications measure different things \(accuracy, f1\)"):
        Verifications.of([verification(), verification("b", metric="f1")])
