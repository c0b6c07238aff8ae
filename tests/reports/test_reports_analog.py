"""What the page says of training on arrays: the words, the tables and the figures are the numbers."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from outline import read
from stand_ins_analog import ALGORITHMS, algorithm, programming, retention, sweep, toy, trained, wear

import mho
from mho.analog import AGAD, ChoppedTTv2, InMemorySGD, MixedPrecision, TTv2
from mho.analog.published_errors import PROGRAMMING_ERRORS
from mho.analog.update_times import update_times
from mho.errors import SpecError
from mho.evaluation.statistics import Interval, mean_interval
from mho.reports.analog import tables, words
from mho.reports.analog.chapter import chapter
from mho.reports.analog.phrases import amount, lasting
from mho.reports.analog.plates import plates
from mho.reports.analog.view import Analog
from mho.reports.figures import Course, Known, Row, errors, extent, rows
from mho.reports.figures.traces import BUCKETS, _thinned
from mho.reports.scale import Scale
from mho.reports.wording import NBSP

ERROR = Scale("error", True)


def _plain(text: str) -> str:
    return text.replace(NBSP, " ")


def _said(*sources) -> dict[str, str]:
    return {f.label: _plain(" ".join(f.sentences)) for f in words.findings(Analog.of(sources))}


def _opening(*sources) -> str:
    return _plain(words.opening(Analog.of(sources)))


def _measured(values) -> str:
    return _plain(ERROR.measured(mean_interval(np.asarray(values))))


def _told(plate) -> list[str]:
    return [_plain(w) for p in plate.panels for w in re.findall(r"<title>([^<]+)</title></circle>", p.svg())]


def test_the_answer_names_algorithm_states_reference_interval_and_chips() -> None:
    source = programming()
    best = source.of("AGAD", 20.0, 0.5)
    assert _opening(source).startswith(
        f"On an array of 20×20 with 20 states and references off by 0.5, AGAD programs weights to "
        f"{_measured(best.errors)} of the largest one; c-TTv2 to "
    )
    assert _opening(source).endswith("(10 chips).")
    assert "mixed precision" not in _opening(source), "it adds up digitally: no algorithm of arrays"
    made = chapter([source], [])
    assert made.headline == made.opening
    said = _said(source)["How exactly it programs"]
    assert f"20 states, references off by 0.5: AGAD {_measured(best.errors)}, c-TTv2 " in said
    assert "AGAD and in-memory SGD read no reference." in said
    ours, good = source.of("TTv2", 20.0, 0.5), source.of("TTv2", 20.0, 0.0)
    assert f"TTv2 {_measured(ours.errors)} (with exact ones {100 * good.errors.mean():.1f} %)" in said
    digital = source.of("mixed precision", 20.0, 0.5).errors
    assert f"Beside them, with digital sums: mixed precision has {_measured(digital)}." in said


def test_chips_tell_algorithms_apart_or_do_not() -> None:
    clear = programming((AGAD, ChoppedTTv2), n_states=(20.0,))
    gap = mean_interval(clear.of("c-TTv2", 20.0, 0.5).errors - clear.of("AGAD", 20.0, 0.5).errors)
    assert gap.low > 0
    assert (
        f"Chip by chip, AGAD is better than c-TTv2 by {100 * gap.value:.2f} [{100 * gap.low:.2f}, "
        f"{100 * gap.high:.2f}] points." in _said(clear)["How exactly it programs"]
    )
    noisy = _said(programming((AGAD, ChoppedTTv2), n_states=(20.0,), chips=3, spread=0.5))["How exactly it programs"]
    assert "There, 3 chips do not tell" in noisy
    assert "do not tell" not in _said(programming((AGAD, ChoppedTTv2), chips=1))["How exactly it programs"]


def test_the_headline_ranks_nothing_that_chips_do_not_tell_apart() -> None:
    two = programming((AGAD, ChoppedTTv2), n_states=(20.0,), chips=2, spread=0.5)
    assert _opening(two).endswith("of the largest one, which 2 chips do not tell apart (2 chips).")
    assert "[" not in _opening(two), "two chips give no interval"
    view = Analog.of([two])
    assert {row[4].aside for row in tables.programming(view, two).rows} == {"[–]"}
    first, second = plates(view, {})
    assert "too few for intervals" in first.caption
    assert "mean and its interval" not in [key.words for key in (*first.keys, *second.keys)]
    same = sweep(points=tuple(trained(algorithm(kind), 0.05, 3) for kind in (AGAD, TTv2)), floating=None)
    assert "5.0 % [4.4, 5.6] with AGAD and 5.0 % [4.4, 5.6] with TTv2, which 3 seeds do not tell apart" in (
        _opening(same)
    )


def test_one_training_says_no_more_than_it_is() -> None:
    one = sweep(points=(trained(algorithm(AGAD), 0.274, 1),), seeds=1, floating=None)
    assert (
        _opening(one)
        == "Trained on arrays with 20 states, mlp on digits has a test error of 27.4 % with AGAD (1 seed)."
    )
    made = chapter([one], [])
    assert made.plates == []
    assert not any("tuned one by one" in c for c in made.caveats)
    assert "σᵣ" not in made.tables[0].table.header
    assert "[low, high]" not in dict(made.terms)


def test_costs_say_everything_once_with_units_and_only_words_that_occur() -> None:
    made = chapter([update_times()], [])
    assert made.opening == ""
    assert {"A, W, H", "n_s, l", "Vector"} == set(dict(made.terms))
    facts = {row[0].text: row[1].text for row in made.facts.rows}
    assert facts["digital operations of a core"] == "700 a ns"
    assert _plain(facts["slot of a pulse train"]) == "5 ns"
    for source in (wear(), retention()):
        assert chapter([source], []).facts.rows


def test_how_far_references_may_be_off_is_said() -> None:
    said = _said(programming(n_states=(20.0,)))["How exactly it programs"]
    assert (
        "20 states: errors grow by less than 25 % where references are off by up to 0 (0 % of the range) with TTv2 "
        "and 0.5 (25 % of the range) with c-TTv2." in said
    )
    assert "where references" not in _said(programming(stds=(0.0,)))["How exactly it programs"]


def test_errors_that_still_fall_are_a_caveat() -> None:
    still = words.caveats(Analog.of([programming((AGAD,), falls=0.3)]))
    assert any(c.startswith("After 40,000 samples errors still fall with AGAD") for c in still)
    done = words.caveats(Analog.of([programming((AGAD,))]))
    assert not any("still fall" in c for c in done)
    few = words.caveats(Analog.of([programming((AGAD,), chips=3)]))
    assert _plain(few[0]).startswith("3 chips: ")


def test_published_errors_stand_beside_ours() -> None:
    view = Analog.of([source := programming()])
    table = tables.programming(view, source)
    at = {name: i for i, name in enumerate(table.header)}
    cells = {(r[0].text, r[1].text, r[2].text): r for r in table.rows}
    ttv2 = cells["TTv2", "20", "0.1"]
    assert (ttv2[at["paper, %"]].text, ttv2[at["aihwkit, %"]].text, ttv2[at["% of range"]].text) == ("9", "4.9", "5")
    assert cells["in-memory SGD", "20", "any"][at["paper, %"]].text == ">25"
    assert cells["AGAD", "100", "any"][at["paper, %"]].text == "1.2"
    assert cells["c-TTv2", "20", "0.5"][at["aihwkit, %"]].text == "–"
    assert len(table.rows) == 2 * (2 * 4 + 3), "without a reference an algorithm has one row for all of them"
    small = replace(source, size=8)
    assert "paper, %" not in tables.programming(Analog.of([small]), small).header
    assert "rasch2021aihwkit" in chapter([source], []).references
    assert "rasch2021aihwkit" not in chapter([small], []).references
    assert any("Published" in c for c in chapter([source], []).caveats)
    assert not any("Published" in c for c in chapter([small], []).caveats)


def test_theirs_off_is_not_compared_where_ours_reads_no_reference() -> None:
    off = next(e for e in PROGRAMMING_ERRORS if (e.source, e.kind, e.reference_std) == ("aihwkit", "InMemorySGD", 0.1))
    assert not off.is_of("InMemorySGD", 20, 0.1, has_reference=False)
    assert off.is_of("InMemorySGD", 20, 0.1, has_reference=True)
    drawn = plates(Analog.of([programming()]), {})[0]
    assert not [w for w in _told(drawn) if w.startswith("in-memory SGD, 20 states, σᵣ 0.1")]
    assert "in-memory SGD, 20 states, any reference\npublished: more than 25 %" in _told(drawn)


def test_figures_of_arrays_tell_their_numbers() -> None:
    source = programming()
    first, second = plates(Analog.of([source]), source_specs := {"AGAD": "kind: AGAD\n"})
    assert (first.name, second.name) == ("programming", "learning")
    assert len(first.panels) == 2
    assert first.specs == source_specs
    level = source.of("AGAD", 20.0, 0.25)
    assert f"AGAD\n20 states, σᵣ 0.25\nerror {_measured(level.errors)}\n10 chips\n" in "\n".join(_told(first)) + "\n"
    kinds = {key.kind for key in first.keys}
    assert {"open", "other", "mean"} <= kinds
    assert ">20,000<" in second.panels[0].svg()
    last = mean_interval(level.course[-1])
    assert f"AGAD\nafter 40,000 samples\n{_plain(ERROR.measured(last))}" in _told(second)


def test_networks_are_told_from_end_to_end_of_an_axis() -> None:
    source = sweep()
    best = source.of("AGAD", reference_std=0.5)
    assert _opening(source) == (
        f"Trained on arrays with 20 states and references off by 0.5, mlp on digits has a test error of "
        f"{_measured(best.errors)} with AGAD and 49.8 % with TTv2; in floating point 4.0 % (3 seeds)."
    )
    said = _said(source)["What is left of mlp on digits"]
    worst = source.of("TTv2", reference_std=0.5)
    assert f"TTv2 4.8 % to {_measured(worst.errors)}" in said
    assert f"AGAD {_measured(best.errors)};" in said, "it is the same at all"
    both = _said(source, sweep("n_states", (10.0, 50.0)))
    assert list(both) == ["What is left of mlp on digits"]
    assert both["What is left of mlp on digits"].count("floating point") == 1
    assert "50 to 10 states, exact references: " in both["What is left of mlp on digits"]


def test_shares_stay_shares_and_lost_trainings_are_counted() -> None:
    wide = replace(trained(algorithm(AGAD), 0.5, 3), errors=np.array([0.1, 0.9, 0.95]))
    lost = replace(trained(algorithm(TTv2), 0.5, 3), errors=np.array([0.1, np.nan, 0.2]))
    source = sweep(floating=None, points=(wide, lost))
    said = _said(source)["What is left of mlp on digits"]
    assert "100.0]" in said
    assert "[0.0, " in said
    assert said.endswith("1 training broke off: the loss grew without bound.")
    table = tables.sweep(Analog.of([source]), source)
    assert len(table.rows) == 2
    assert [key.kind for key in plates(Analog.of([source]), {})[0].keys] == []


def test_a_network_that_floating_point_does_not_beat_is_a_caveat() -> None:
    weak = words.caveats(Analog.of([sweep(floating=0.5)]))
    assert any("one of its own may do better" in c for c in weak)
    assert not any("one of its own" in c for c in words.caveats(Analog.of([sweep(floating=0.01)])))
    assert "[–" not in _opening(sweep(seeds=1))
    assert any("one seed" in c for c in words.caveats(Analog.of([sweep(seeds=1)])))


@pytest.mark.parametrize(
    ("axis", "values", "name", "ticks"),
    [
        ("reference_std", (0.0, 0.5), "networks-reference-std", "0.5"),
        ("n_states", (10.0, 100.0), "networks-n-states", "100"),
        ("bounds", (1.0, 30.0), "networks-bounds", "30"),
    ],
)
def test_every_axis_has_its_figure(axis, values, name, ticks) -> None:
    (drawn,) = plates(Analog.of([sweep(axis, values)]), {})
    assert drawn.name == name
    (panel,) = drawn.panels
    assert f">{ticks}<" in panel.svg()
    assert [k.words for k in drawn.keys][-1] == "floating point"
    assert len(_told(drawn)) == 2 * 4


def test_a_crosspoint_is_told_by_where_its_weight_ends() -> None:
    good, bad, slow = toy(AGAD, 0.9), toy(TTv2, -0.4, offset=0.8), toy(ChoppedTTv2, 0.2, offset=0.8)
    assert _opening(good, bad, slow) == (
        "W follows a constant gradient with AGAD, follows more slowly with c-TTv2 (reference off by 0.8) and goes the "
        "wrong way with TTv2 (reference off by 0.8)."
    )
    said = _said(good, bad)["What a crosspoint does"]
    assert "AGAD: after 600 samples W is 0.90 (mean of 2 chips, 0.90 to 0.90), in 18 steps; its chopper turned" in said
    off = "TTv2, reference off by 0.8: after 600 samples W is −0.40 (mean of 2 chips, −0.40 to −0.40), in 8 steps"
    assert f"{off}, the wrong way." in said
    still = toy(TTv2, 0.3, gradient=False)
    assert _opening(still) == "Without a gradient W should stay at 0; the farthest, of TTv2, no gradient, ends at 0.30."


def test_traces_show_what_there_is_and_when_choppers_turn() -> None:
    (drawn,) = plates(Analog.of([toy(AGAD), toy(TTv2, offset=-0.8), toy(InMemorySGD)]), {})
    agad, ttv2, sgd = (panel.svg() for panel in drawn.panels)
    assert 'data-series="6"' in agad
    assert 'data-series="6"' not in ttv2
    assert (agad.count(">A<"), agad.count(">H<"), agad.count(">W<")) == (1, 1, 1)
    assert (sgd.count(">A<"), sgd.count(">W<")) == (0, 1)
    assert "TTv2, reference off by −0.8" in ttv2
    assert drawn.panels[2].height < drawn.panels[0].height
    told = _told(drawn)
    assert told[0].startswith("AGAD\nafter 0 samples\nA ")
    assert any(t.endswith("W 0.900") or "W 0.900\n" in t for t in told)
    assert [k.words for k in drawn.keys if k.kind == "turn"] == ["the chopper turns"]


def test_only_a_full_h_has_a_threshold() -> None:
    digital = toy(AGAD)
    digital = replace(digital, traces={name: digital.traces[name] for name in ("hidden", "weight")})
    dashes = [plates(Analog.of([t]), {})[0].panels[0].svg().count("stroke-dasharray") for t in (toy(AGAD), digital)]
    assert dashes == [1, 0], "what mixed precision adds up has another unit"


def test_thinned_traces_lose_no_spike() -> None:
    sample = np.arange(6001)
    values = np.zeros(6001, np.float32)
    values[[1234, 5001]] = 1.0, -2.0
    x, y = _thinned(sample, values)
    assert len(x) <= 2 * BUCKETS + 2
    assert (x[0], x[-1]) == (0, 6000)
    assert dict(zip(x, y, strict=True))[1234] == 1.0
    assert dict(zip(x, y, strict=True))[5001] == -2.0
    assert x == sorted(set(x))


def test_update_times_stand_beside_the_published_ones() -> None:
    source = update_times()
    said = _said(source)["What an update takes"]
    assert "30.9 ns with in-memory SGD" in said
    assert "3,024.5 ns with mixed precision" in said
    assert "That agrees with the 5 published times to the digit printed." in said
    table = tables.updates(Analog.of([source]))
    columns = [table.header.index(name) for name in ("all, ns", "published, ns")]
    for row in table.rows:
        ours, theirs = (float(row[i].text.replace(",", "")) for i in columns)
        assert ours == pytest.approx(theirs, abs=0.051)
    other = update_times(["agad"], n=64)
    assert "published" not in _said(other)["What an update takes"]
    (drawn,) = plates(Analog.of([source]), {})
    assert any(t.startswith("AGAD\n62.1 ns\ndigital operations: 14.6 ns") for t in _told(drawn))


def test_wear_is_told_by_the_busiest_device() -> None:
    said = _said(wear())["How often devices are pulsed"]
    assert said.startswith(
        "The busiest device of A, in conv.weight, got 1.8 pulses a sample, an average one 0.07; published for the "
        "busiest: 0.5 to 4. The busiest device of W, in conv.weight, got 0.0016 pulses a sample, "
    )
    assert "Cells that bear a million pulses last 555,556 samples for A and 625 million samples for W." in said
    (drawn,) = plates(Analog.of([wear()]), {})
    assert [p.title.split()[-1] for p in drawn.panels] == ["A", "W"]
    assert len(tables.wear(Analog.of([wear()])).rows) == 4


def test_what_has_to_be_remembered_is_told() -> None:
    said = _said(retention())["What has to be remembered"]
    assert "A has to remember for up to 1,568 vectors, 408 µs (fc.weight)" in said
    assert "R of c-TTv2 may drift by 25 % of the range meanwhile." in said
    assert "leak" not in said
    assert (
        "Cells leak: in fc.weight 30 % of W, 2 % of A"
        in _said(retention(weight_leak=0.3, gradient_leak=0.02))["What has to be remembered"]
    )
    no_array = _said(retention(period=None, gradient_leak=None, reference_drift=None))["What has to be remembered"]
    assert no_array.startswith("W has to last for the training: 5,000 vectors so far, 1.3 ms.")


def test_an_algorithm_has_one_colour_on_a_page() -> None:
    view = Analog.of([toy(AGAD), programming(), sweep(), update_times()])
    assert list(view.slots.values()) == list(range(5))
    assert view.slots["AGAD"] == 3
    assert Analog.of([toy(AGAD), programming(), sweep()]).slots["AGAD"] == 3


def test_refusals() -> None:
    with pytest.raises(SpecError, match=r"analog holds a str; it takes what analog\.toy"):
        Analog.of(["AGAD"])  # type: ignore[list-item]
    with pytest.raises(SpecError, match="intervals of 90 % and 95 %"):
        Analog.of([programming(), sweep(confidence=0.9)])
    with pytest.raises(SpecError, match="report takes a Programming as analog="):
        mho.report("x.html", programming())  # type: ignore[arg-type]


def test_a_page_of_everything(tmp_path) -> None:
    sources = [toy(), programming(chips=3), sweep(), update_times(), wear(), retention()]
    path = mho.report(tmp_path / "page.html", analog=sources)
    text, _ = read(path)
    assert "Training on the array" in text
    assert text.count("<dt>Chip</dt>") == 1
    assert "A set of devices" in text
    assert "rasch2024fast" in text
    assert len(text) < 1_000_000
    assert "kind: AGAD" in text, "specifications are on the page"
    assert "nan" not in re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<(script|style|svg).*?</\1>", "", text)).lower().split()
    alone = mho.report(tmp_path / "one.html", analog=sweep(), title="One").read_text()
    assert "<h1>One</h1>" in alone
    again = mho.report(tmp_path / "two.html", analog=sources).read_text()
    assert again == text, "the same results give the same page"


def test_the_smallest_error_is_on_a_logarithmic_axis() -> None:
    interval = mean_interval(np.array([0.01, 0.011]))
    line = Course("AGAD", 0, 0, [(0.0, interval, "a"), (0.5, mean_interval(np.array([0.4, 0.41])), "b")])
    known = [Known(0.1, 0.05, 0, 0, "open", "theirs")]
    low, high = extent([line], known)
    assert low < 0.0105 < 0.405 < high
    svg = errors([line], ERROR, "σᵣ", known=known).svg()
    assert all(f">{tick}<" in svg for tick in ("2", "5", "10", "20"))
    assert "theirs" in svg
    flat = Course("AGAD", 0, 0, [(0.0, Interval(0.0105, 0.0104, 0.0106), "a")])
    linear = errors([flat], ERROR, "σᵣ").svg()
    assert re.search(r">1\.0\d+<", linear), "what is nearly the same needs no decades"


def test_rows_of_nothing_are_a_name() -> None:
    made = rows([Row("none", 0, 0, 0.0, "", "x"), Row("some", 1, 1, 0.01, "0.01", "y", most=1.0)], "pulses", "", "t")
    svg = made.svg()
    assert ">none<" in svg
    assert svg.count("</circle>") == 1


@pytest.mark.parametrize(
    ("value", "text"), [(0.45, "0.45"), (3.3e-4, "3.3×10⁻⁴"), (0.0, "0"), (float("nan"), "–"), (123.4, "123")]
)
def test_amounts_read_well(value, text) -> None:
    assert amount(value) == text


def test_durations_read_well() -> None:
    assert _plain(lasting(4.087e-4)) == "409 µs"
    assert lasting(None) == "–"


def test_digital_sums_alone_are_an_answer_too() -> None:
    assert "mixed precision programs weights to" in _opening(programming((MixedPrecision,)))
    assert len(ALGORITHMS) == 5
