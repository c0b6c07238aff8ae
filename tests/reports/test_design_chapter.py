"""What the page says of a design: the words, the tables and the figures are the numbers."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pytest
from outline import read
from stand_ins_design import CELLS, METHODS, PROGRAMS, choice, costs, design

import mho
from mho.codesign import Choice, Range
from mho.devices import RRAM1
from mho.errors import SpecError
from mho.memory import Memory
from mho.programming import Selective
from mho.reports.design import phrases, tables, words
from mho.reports.design.chapter import chapter
from mho.reports.design.plates import plates
from mho.reports.design.view import Entry, entries_of
from mho.reports.page import render
from mho.reports.wording import NBSP

HOSTILE = "<script>alert(1)</script>\"'&{{ 7 * 7 }}</style>$x$"
FRACTION = "memory.programming.fraction"


@pytest.fixture(scope="module")
def found() -> Choice:
    return choice()


def _entry(made: Choice) -> Entry:
    return entries_of([made])[0]


def _plain(text: str) -> str:
    return text.replace(NBSP, " ")


def _said(made: Choice) -> dict[str, str]:
    return {f.label: _plain(" ".join(f.sentences)) for f in words.findings(_entry(made), True)}


def _column(table: Any, name: str) -> list[str]:
    return [row[table.header.index(name)].text for row in table.rows]


def _told(plate: Any) -> list[str]:
    return [_plain(w) for p in plate.panels for w in re.findall(r"<title>([^<]+)</title></circle>", p.svg())]


def _measured(interval: Any) -> str:
    value, low, high = (f"{100 * v:.1f}" for v in interval)
    return f"{value} % [{low}, {high}]"


def test_the_answer_is_the_recommended_point_and_its_certificate(found: Choice) -> None:
    best, claim = found.recommended, found.certificate
    assert best is not None
    assert claim is not None
    assert dict(best.chosen) == {"model.method": "noise injection", "memory.programming": "SWIM 30%"}
    value = _measured(claim.values["p1 >= 0.88"])
    cycles = f"{best.number('write_cycles'):,.0f}"
    assert _plain(words.opening(_entry(found))) == (
        f"Buy “noise injection” and “SWIM 30%”: 99 % of chips stay above {value} (at least 88 % asked), "
        f"for {cycles} write cycles a chip."
    )
    said = _said(found)
    assert said["What is claimed"] == (
        f"“noise injection” and “SWIM 30%” reach the target with 95 % confidence: 1st percentile of accuracy {value} "
        "on 1,262 fresh chips (seed 1), each on up to 360 test samples. Without cells, the same network has 97.3 % "
        "there."
    )
    assert said["What else has to be built or done"] == "A read after every write."
    assert (
        "16 combinations were looked at on digits train, held out, with the same chips for all"
        in (said["How it was found"])
    )
    made = chapter([found])
    assert made.headline == made.opening
    assert made.references == found.references


def test_the_price_stands_beside_the_cheapest_single_measure(found: Choice) -> None:
    best, single = found.recommended, found.alone
    assert best is not None
    assert single is not None
    ours, theirs = best.number("write_cycles"), single.number("write_cycles")
    said = _said(found)["What it takes"]
    assert f"{ours:,.0f} write cycles a chip, 200,000 cells and 30 seconds of training." in said
    assert (
        "The cheapest single measure that reaches the target is “all verified”, with 2.1 million write cycles a chip: "
        f"the combination takes {100 * ours / theirs:.3g} % of that, {theirs / ours:.2g} times less."
    ) in said
    assert f"takes 200,000 write cycles a chip: this is {ours / CELLS:.3g} times that." in said


def test_each_measure_is_told_by_what_it_adds(found: Choice) -> None:
    assert found.why is not None
    said = _said(found)["What each measure does"]
    nothing, whole = found.why.parts[0], found.why.parts[-1]
    value = whole.values["p1 >= 0.88"]
    assert f"with both, {_measured(value)}." in said
    for path, share in found.why.shares.items():
        label = whole.chosen[path]
        assert (
            f"“{label}” adds {100 * share.alone:.1f} points alone and {100 * share.last:.1f} points as the last one; "
            f"its share is {100 * share.shapley:.1f} points."
        ) in said
    gained = value.value - nothing.values["p1 >= 0.88"].value
    assert sum(s.shapley for s in found.why.shares.values()) == pytest.approx(gained)
    table = tables.shares(_entry(found))
    assert _column(table, "share") == [
        phrases.gain(found.design, found.design.targets[0], s.shapley) for s in found.why.shares.values()
    ]
    parts = tables.parts(_entry(found))
    assert _column(parts, "bought") == ["nothing", "noise injection", "SWIM 30%", "noise injection, SWIM 30%"]


def test_a_claim_that_failed_is_told_before_the_one_that_holds() -> None:
    made = choice(design("p1 >= 0.8"), tried=1)
    first, last = made.certificates
    said = _said(made)["What is claimed"]
    assert not first.met
    assert last.met
    assert said.index("not surely reach the target: ") < said.index("with 95 % confidence")
    assert _measured(first.values["p1 >= 0.8"]) in said


def test_a_single_measure_that_only_looked_good_is_said_to() -> None:
    made = choice(design("p1 >= 0.79"), tried=1)
    assert made.alone is not None
    assert made.certificates[0].chosen == made.alone.chosen
    assert (
        "“SWIM 10%” alone looked good enough on data held out; on the test data that did not hold."
        in _said(made)["What it takes"]
    )


def test_nothing_recommended_names_what_comes_nearest() -> None:
    made = choice(design("p1 >= 0.999", budget={"write_cycles": 1e6}), met=False)
    assert made.recommended is None
    value = _measured(made.closest.values["p1 >= 0.999"])
    assert _plain(words.opening(_entry(made))) == (
        "None of 16 combinations within the budget was shown to reach the target. With “noise injection” and "
        f"“SWIM 30%”, what comes nearest, 99 % of chips stay above {value} (at least 99.9 % asked), on data held out."
    )
    said = _said(made)
    assert "What it takes" not in said
    assert said["What is claimed"].startswith("Nothing was tried on the test data")
    assert "4 are beyond the budget." in said["How it was found"]
    front, why = plates(_entry(made))
    assert not [k for k in front.keys if k.kind in ("ring", "tried")]
    assert len(front.panels) == 1, "nothing is near the target"
    assert "the combination that comes nearest" in why.caption
    assert "The study of the nearest combination" in chapter([made]).specs


def test_nothing_has_to_be_bought_where_nothing_is_enough() -> None:
    made = choice(design("p1 >= 0.3"))
    assert words.opening(_entry(made)).startswith("Nothing has to be bought: ")
    assert made.why is None
    assert [plate.name for plate in plates(_entry(made))] == ["front"]
    said = _said(made)
    assert "What each measure does" not in said
    assert said["What is claimed"].startswith("The network as it is reaches the target with 95 % confidence")


def test_combinations_that_are_not_possible_are_listed_with_their_reasons(tmp_path) -> None:
    why = {("OVF", "SWIM 10%"): "OVF needs <b> which SWIM has not; leave it out", ("IRS", "once"): "no way"}
    made = choice(refused=why)
    table = tables.refused(_entry(made))
    assert table.header == ["training", "programming", "why it is not possible"]
    assert [[c.text for c in row] for row in table.rows] == [
        ["OVF", "SWIM 10%", why["OVF", "SWIM 10%"]], ["IRS", "once", "no way"],
    ]  # fmt: skip
    assert len(tables.candidates(_entry(made)).rows) == 14
    assert "2 are not possible, such as “OVF” and “SWIM 10%”: OVF needs" in _said(made)["How it was found"]
    text, _ = read(mho.report(tmp_path / "r.html", design=made))
    assert "OVF needs &lt;b&gt; which" in text


def test_where_nothing_is_possible_there_is_a_page_without_figures(tmp_path) -> None:
    every = {(m, p): "cannot be" for m in METHODS for p in PROGRAMS}
    for made in (choice(refused=every), replace(choice(), candidates=(), certificates=(), why=None)):
        text, _ = read(mho.report(tmp_path / "r.html", design=made))
        assert "No combination of measures is possible." in text
        assert "<figure" not in text
        assert "The design, as YAML" in text
        assert "The study of" not in text


def test_a_part_that_is_not_possible_leaves_nothing_to_share_out() -> None:
    made = choice(refused={("noise injection", "once"): "needs verification"})
    assert made.why is not None
    assert not made.why.shares
    _, why = plates(_entry(made))
    assert len(why.panels) == 1
    assert any("not possible: needs verification" in told for told in _told(why))
    assert [row[1].text for row in tables.parts(_entry(made)).rows].count("not possible") == 1
    assert "its share" not in _said(made)["What each measure does"]


def test_a_range_is_an_axis_without_options() -> None:
    memory = Memory(device=RRAM1(sigma=0.1), programming=Selective(fraction=0.01))
    asked = design("p1 >= 0.78", measures={FRACTION: Range(low=0.01, high=0.5, log=True)}, memory=memory)
    made = choice(asked, ranges=("0.01", "0.03", "0.1", "0.5"))
    entry = _entry(made)
    assert words.opening(entry).startswith("Buy “fraction 0.1”: 99")
    assert entry.coloured == entry.shaped == ""
    assert not tables.filters(entry)
    assert _column(tables.candidates(entry), "fraction") == ["0.01", "0.03", "0.1", "0.5"]
    assert [k.kind for k in plates(entry)[0].keys][-2:] == ["target", "line"]


def test_a_single_axis_has_markers_that_go_with_its_colours() -> None:
    made = choice(design("p1 >= 0.8", measures={"memory.programming": PROGRAMS}))
    front, why = plates(_entry(made))
    assert [(k.kind, k.words) for k in front.keys[:4]] == [("spot", name) for name in PROGRAMS]
    assert len(why.panels) == 1, "one measure has no share of itself"
    said = _said(made)
    assert "That is a single measure" in said["What it takes"]
    assert re.search(r"is 41\.0 % .*; with “SWIM 30%”, \d", said["What each measure does"])
    assert "its Shapley value" not in str(chapter([made]).terms)


def test_worst_cases_have_no_intervals() -> None:
    target = "worst(0.06 of cells) >= 0.88"
    made = choice(design(target))
    value = made.certificates[-1].values[target].value
    opening = _plain(words.opening(_entry(made)))
    said = f"the worst chip found within ±6 % of the range of a cell has {100 * value:.1f} % (at least 88 % asked)"
    assert f"{said}, for" in opening
    table = tables.candidates(_entry(made))
    assert all(not row[2].aside for row in table.rows)
    assert table.header[2] == "worst, cells ±6 %, %".replace(" %,", f"{NBSP}%,")
    made_chapter = chapter([made])
    assert "Intervals of combinations" not in dict(made_chapter.terms)
    assert "intervals" not in made_chapter.plates[0].caption + made_chapter.plates[1].caption
    assert not any("[" in told for plate in made_chapter.plates for told in _told(plate))


def test_of_a_metric_that_shall_be_low_gains_go_down() -> None:
    made = choice(design("mean <= 0.8", metric="perplexity", measures={"memory.programming": PROGRAMS}), met=False)
    target = made.design.targets[0]
    assert phrases.asked(made.design, target) == "at most 0.8"
    assert phrases.gain(made.design, target, -0.25) == "−0.25"
    assert made.closest.chosen == made.design.nothing, "the stand-ins rise with every measure"
    assert "the mean perplexity is 0.7500 [0.7440, 0.7540] (at most 0.8 asked)" in _plain(words.opening(_entry(made)))
    assert tables.candidates(_entry(made)).header[1:3] == ["mean", "margin"]


def test_every_target_has_a_panel_and_a_column() -> None:
    made = choice(design(["p1 >= 0.8", "mean >= 0.9", "yield(0.9) >= 0.5"]))
    entry = _entry(made)
    front = plates(entry)[0]
    assert len(front.panels) == 3
    header = [NBSP.join(h.split(NBSP)) for h in tables.candidates(entry).header]
    assert header[2:5] == ["1st percentile, %", "mean, %", f"chips at 90{NBSP}% or better, %"]
    opening = _plain(words.opening(entry))
    assert "the mean accuracy is " in opening
    assert "of chips reach 90 % (at least 50 % asked)" in opening


def test_the_table_has_every_combination_with_its_flags(found: Choice) -> None:
    table = tables.candidates(_entry(found))
    assert len(table.rows) == 16
    cycles = [row[table.header.index("write cycles")].order for row in table.rows]
    assert cycles == sorted(cycles), "the cheapest first"
    assert "cells" not in table.header, "which are everywhere the same"
    assert table.header.count("training") == 1
    flags = dict(zip(zip(_column(table, "training"), _column(table, "programming"), strict=True),
                     _column(table, "take"), strict=True))  # fmt: skip
    assert [pair for pair, flag in flags.items() if flag] == [("noise injection", "SWIM 30%")]
    assert _column(table, "on the front").count("•") == len(found.front)
    margins = [row[table.header.index("margin, points")] for row in table.rows]
    assert all(f"{abs(100 * m.order):.2f}" == m.text.lstrip("+−") for m in margins)
    assert list(table.series) == list(range(16))
    assert tables.filters(_entry(found)) == {"training": tuple(METHODS), "programming": tuple(PROGRAMS)}


def test_the_figure_tells_every_combination_and_joins_the_front(found: Choice) -> None:
    assert len(plates(_entry(found))[0].panels) == 2, "a second panel for what is near the target"
    told = _told(plates(_entry(found))[0])
    names = {words_.splitlines()[0] for words_ in told}
    assert len(names) == 16
    recommended = [t for t in told if t.endswith("recommended")]
    assert all(t.startswith("noise injection, SWIM 30%\n1st percentile of accuracy") for t in recommended)
    assert len(recommended) == 2, "in both panels"
    assert sum("on test data" in t for t in told) == 2
    dominated = [t for t in told if "another combination is better" in t]
    assert {t.splitlines()[0] for t in dominated} == {
        phrases.named(found.design, c.chosen) for c in found.candidates if c not in found.front
    }


def test_costs_that_differ_by_decades_are_on_a_logarithmic_axis() -> None:
    narrow, wide = (plates(_entry(choice(design(measures={"memory.programming": PROGRAMS}), **more)))[0].panels[0].svg()
                    for more in ({"write_cycles": 5e5}, {}))  # fmt: skip
    assert ">0.5<" in wide
    assert "millions" in wide
    assert "thousands" in narrow


def test_the_budget_is_a_line_and_what_is_beyond_it_is_said() -> None:
    made = choice(design(budget={"write_cycles": 1.5e6}))
    assert ">budget<" in plates(_entry(made))[0].panels[0].svg()
    told = _told(plates(_entry(made))[0])
    assert {t.splitlines()[0].split(", ")[-1] for t in told if "beyond the budget" in t} == {"all verified"}
    assert "Within the budget: write cycles of a chip at most 1,500,000 (" in _said(made)["What it takes"]


def test_an_unknown_cost_is_a_dash_and_no_infinity(found: Choice) -> None:
    made = choice(design(minimise=("write_seconds", "write_cycles")))
    assert _entry(made).along == "write_cycles"
    assert "inf" not in " ".join([words.opening(_entry(made)), *_said(made).values()])
    assert phrases.figure("write_joules", math.inf) == "–"
    assert phrases.costs(costs(found.candidates[0].chosen, write_joules=2e-6, latency=1.5)).replace(NBSP, " ") == (
        "200,000 write cycles a chip, 2 µJ of writing, 200,000 cells, 20 seconds of training and 1.5 times the latency"
    )


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("p1 >= 0.95", "99 % of chips stay above 95.6 % [95.0, 96.0] (at least 95 % asked)"),
        ("p5 >= 0.95 at 1y", "95 % of chips stay above 95.6 % [95.0, 96.0] after 1 year (at least 95 % asked)"),
        ("yield(0.9) >= 0.99", "95.6 % [95.0, 96.0] of chips reach 90 % (at least 99 % asked)"),
        ("worst(0.03) >= 0.8", "the worst chip found within ±3 % of the full scale has 95.6 % (at least 80 % asked)"),
    ],
)
def test_targets_in_words(said: str, text: str) -> None:
    from mho.evaluation.statistics import Interval

    asked = design(said)
    assert _plain(phrases.reached(asked, asked.targets[0], Interval(0.956, 0.95, 0.96))) == text


def test_hostile_text_is_only_text(tmp_path) -> None:
    options = {f"{name} {HOSTILE}": PROGRAMS[name] for name in PROGRAMS}
    measures = {"model.method": METHODS, "memory.programming": options}
    made = choice(design(measures=measures), refused={("OVF", f"once {HOSTILE}"): HOSTILE})
    text, _ = read(mho.report(tmp_path / "x.html", design=made))
    assert text.count("<script>") == 1
    assert text.count("</style>") == 1
    assert text.count("&lt;script&gt;alert(1)") > 50


def test_the_page_is_sound_and_depends_on_the_data_alone(found: Choice, tmp_path) -> None:
    text, outline = read(mho.report(tmp_path / "r.html", design=found))
    heads = [h for h in outline.heads if h]
    assert heads == ["Lenet on RRAM1", "What to buy", "How to read this", "Provenance", "References"]
    assert re.findall(r"@\w+\{(\w+),", text) == list(dict.fromkeys(found.references))
    assert "mho.design(mho.codesign.read(&#39;lenet-digits.yaml&#39;))" in text
    assert "kind: Design" in text
    assert "kind: Study" in text
    assert "lenet-on-rram1-figure-1-front.pdf" in text
    assert (tmp_path / "r.html").stat().st_size < 500_000
    once, again = ([p.svg() for plate in plates(_entry(found)) for p in plate.panels] for _ in range(2))
    assert once == again


def test_several_designs_stand_on_one_page(found: Choice, tmp_path) -> None:
    other = choice(design("mean >= 0.5"))
    text, outline = read(mho.report(tmp_path / "r.html", design=[found, other]))
    assert "Lenet on RRAM1 (p1 &gt;= 0.88)" in text or "lenet on RRAM1 (p1 &gt;= 0.88)" in text
    assert {"design-candidates-0", "design-candidates-1"} <= set(outline.ids)
    assert 'class="front-2"' in text


def test_beside_results_the_answer_leads_to_the_chapter(make) -> None:
    made = choice(design("p1 >= 0.3", measures={"memory.programming": PROGRAMS}))
    page = render(title="T", results={"a": make(sigma=(0.1,), age=(0.0,))}, command="c", specs={}, designs=[made])
    assert '<a href="#design">What to buy</a>' in page
    assert page.index('id="populations"') < page.index('id="design"')


def test_choices_in_the_wrong_place_are_sent_to_theirs(found: Choice, tmp_path) -> None:
    path = tmp_path / "r.html"
    for call in (lambda: mho.report(path, found), lambda: mho.report(path, [], found)):
        with pytest.raises(SpecError, match=r"report takes a Choice as design=, such as report\(.*, design=\.\.\.\)"):
            call()
    with pytest.raises(SpecError, match=r"design holds a int; it takes what mho\.design returns"):
        mho.report(path, design=3)
    with pytest.raises(SpecError, match=r"two designs are labelled"):
        mho.report(path, design=[found, found])
    assert not path.exists()
