from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from mho.errors import SpecError
from mho.reports import figures
from mho.reports.figures.canvas import abridged, plain, series, thinned
from mho.reports.summary import Summary

HERE, SOURCE = Path(__file__).parent, Path(figures.__file__).parents[3]
HOSTILE = [
    "<script>alert(1)</script>",
    r"$\frac{1$ & $x$",
    'quo"te',
    "nul\x00 \ud800",
    "电导" * 40,
    "fill: #0a0b01",
]
SVG = "{http://www.w3.org/2000/svg}"


def _check(svg: str) -> ElementTree.Element:
    root = ElementTree.fromstring(svg)
    ids = [e.attrib["id"] for e in root.iter() if "id" in e.attrib]
    assert len(ids) == len(set(ids))
    used = re.findall(r'(?:href="|url\()#([\w-]+)', svg)
    assert set(used) == set(ids)
    assert root.find(f"{SVG}title").text == root.attrib["aria-label"]
    assert root.attrib["role"] == "img"
    styles = " ".join(e.attrib.get("style", "") for e in root.iter())
    assert "var(--ink, " in styles
    assert not re.search(r"#0a0b\d\d(?!\))", styles.replace("var(", ""))
    assert not re.search(r"(fill|stroke): #", styles), "every ink is a variable"
    assert len(svg.encode("utf-8", "replace")) < 120_000
    return root


def _severity(results, *options) -> str:
    return figures.severity(Summary.of(results), *options).svg()


def _crowd(result, *options, label="x", **more) -> str:
    summary = Summary.of({label: result})
    return figures.distribution(summary, summary.entries[0], *options, **more).svg()


def _all(results) -> list[str]:
    summary = Summary.of(results)
    first = next(iter(results.values()))
    return [
        _severity(results, first.age[0]),
        _severity(results),
        _crowd(first),
        _crowd(first, first.age[0], label="named", span=(0.0, 100.0)),
        figures.ageing(summary).svg(),
    ]


def test_figures_are_well_formed_and_the_same_every_time(results) -> None:
    once, again = _all(results), _all(results)
    assert once == again
    for svg in once:
        _check(svg)
    assert len({re.search(r'id="(f\w+)-', svg)[1] for svg in once}) == len(once), "figures share no identifiers"


def test_figures_are_the_same_in_another_process(results) -> None:
    code = (
        "import sys\n"
        f"sys.path[:0] = [{str(HERE)!r}]\n"
        "from conftest import _make\nfrom mho.reports import figures\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "from mho.reports.summary import Summary\n"
        "r = {'RRAM1': _make('RRAM1'), 'FeFET1': _make('FeFET1', softness=1.55, seed=2)}\n"
        "sys.stdout.write(figures.severity(Summary.of(r), 0.0).svg()); assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": "7"},
    )
    assert done.stdout == _severity(results, 0.0), done.stderr


@pytest.mark.parametrize("chips", [1, 2])
@pytest.mark.parametrize("sigma", [(None,), (0.1,), (0.01, None)])
def test_few_chips_one_sigma_no_sigma(make, chips, sigma) -> None:
    age = (0.0, 60.0, 3600.0)
    for svg in _all({"one": make(chips=chips, sigma=sigma, age=age), "two": make(chips=2, sigma=(0.1,), age=age)}):
        _check(svg)


def test_thirty_sigmas_of_ten_thousand_chips_stay_small(make) -> None:
    for svg in _all({"x": make(chips=10_000, sigma=tuple(np.linspace(0.01, 0.4, 30)), age=(0.0,))}):
        _check(svg)


def test_a_metric_that_is_no_fraction_is_shown_as_it_is(make) -> None:
    fraction = make(percentiles=(95.0,))
    changed = {"values": 20 - 10 * fraction.values, "metric": "perplexity", "bounded": False, "digital": 10.1}
    result = replace(fraction, **changed)
    for svg in _all({"x": result}):
        _check(svg)
        assert "%" not in svg
    worst = result.at(sigma=0.2, age=0.0).values.max()
    assert f">{worst:.3g}<" in _crowd(result, 0.0)


def test_a_percentile_without_limits_has_no_band(make) -> None:
    band = re.compile(r"fill-opacity: 0\.1\b")
    assert not band.search(_severity({"few": make(chips=100)}, 0.0))
    assert band.search(_severity({"enough": make(chips=400)}, 0.0))


def test_no_percentiles_no_dashes(make) -> None:
    svg = _severity({"x": make(percentiles=())}, 0.0)
    _check(svg)
    assert "stroke-dasharray" not in svg


def test_single_unlucky_chips_stay_visible(make) -> None:
    result = make(chips=10_000, sigma=(0.1,), age=(0.0,))
    values = np.full((1, 1, 10_000), 0.97)
    values[0, 0, 17] = 0.61
    unlucky = replace(result, values=values)
    svg = _crowd(unlucky)
    _check(svg)
    assert ">61.0<" in svg
    assert len(svg) < 15_000


def test_chips_without_a_value_are_left_out(make) -> None:
    result = make(chips=50)
    values = result.values.copy()
    values[:, :, 3] = np.nan
    values[-1] = np.nan
    for svg in _all({"x": replace(result, values=values)}):
        _check(svg)
        assert "nan" not in svg.lower()


@pytest.mark.parametrize("label", HOSTILE)
def test_labels_are_text_and_nothing_else(make, label) -> None:
    results = {label: make(label, sigma=(0.1, 0.2)), "b": make(sigma=(0.1, 0.2))}
    drawn = [_severity(results), _crowd(make(), label=label), _severity({label: make(label, sigma=(None,))})]
    for svg in drawn:
        root = _check(svg)
        assert root.find(f".//{SVG}script") is None


def test_ages_share_one_axis(make) -> None:
    result = {"x": make()}
    ticks = [re.findall(r"<text[^>]*end[^>]*>(\d+)<", _severity(result, age)) for age in result["x"].age]
    assert ticks[0] == ticks[1] != []


def test_clear_refusals(make) -> None:
    with pytest.raises(SpecError, match="no results"):
        Summary.of({})
    other = replace(make(), metric="f1")
    with pytest.raises(SpecError, match="accuracy, f1"):
        Summary.of({"a": make(), "b": other})
    with pytest.raises(SpecError, match=r"no result has sigma 0\.7"):
        figures.ageing(Summary.of({"a": make()}), 0.7)
    with pytest.raises(SpecError, match="no age 5"):
        _crowd(make(), 5.0)


def test_marks_say_their_numbers_and_whose_they_are(results) -> None:
    root = _check(_severity(results, 0.0))
    groups = root.findall(f"{SVG}g[@class='marks']")
    assert [g.attrib["data-series"] for g in groups] == ["0", "1"]
    words = [c.find(f"{SVG}title").text.replace("\N{NO-BREAK SPACE}", " ") for g in groups for c in g]
    assert len(words) == len(set(words)) == 2 * 5 * 2, "mean and percentile of every sigma"
    p = results["RRAM1"].at(sigma=0.2, age=0.0)
    low, high = 100 * p.mean.low, 100 * p.mean.high
    assert (
        f"RRAM1\nsigma 0.2 just programmed\nmean {100 * p.mean.value:.1f} % [{low:.1f}, {high:.1f}]\n100 chips" in words
    )
    assert any("\n1st percentile " in w and " % [–, " in w for w in words)


def test_marks_lie_on_what_is_drawn(make) -> None:
    svg = _severity({"x": make(percentiles=())}, 0.0)
    drawn = {(round(float(x)), round(float(y))) for x, y in re.findall(r'<use [^>]*x="([\d.]+)" y="([\d.]+)"', svg)}
    marks = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', svg)
    assert len(marks) == 5
    assert {(round(float(x)), round(float(y))) for x, y in marks} <= drawn


def test_every_artist_of_a_result_is_tied_to_it(results) -> None:
    root = _check(_severity(results, 0.0))
    tied = [e.attrib["data-series"] for e in root.iter() if "data-series" in e.attrib]
    assert tied.count("0") == tied.count("1") >= 4, "mean, percentile, extreme, marks"


def test_series_are_told_apart_by_colour_and_marker() -> None:
    assert len({series(i) for i in range(42)}) == 42


def test_ticks_never_collide() -> None:
    kept = thinned([0.005, 0.01, 0.02, 0.05, 0.1, 0.2], 0.02)
    assert kept == [2, 3, 4, 5]


def test_plain_keeps_words_and_cuts_the_rest() -> None:
    assert plain("a\nb\x07", None) == "a b\N{REPLACEMENT CHARACTER}"
    assert plain("abcdefgh", 5) == "ab…gh"


def test_labels_that_are_too_long_keep_all_their_parts() -> None:
    assert abridged("lenet, RRAM1", 28) == "lenet, RRAM1"
    assert abridged("mobilenet-v2, FeFET2, differential, seed 0", 32) == "mob…-v2, FeFET2, dif…ial, seed 0"
    assert len(abridged("a" * 40, 28)) == 28
