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
from mho.reports.figures.canvas import plain, series, thinned

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


def _all(results, **options) -> list[str]:
    first = next(iter(results.values()))
    return [
        figures.severity(results, first.age[0], **options),
        figures.severity(results, legend=False),
        figures.distribution(first),
        figures.distribution(first, first.age[0], label="named", index=1, limits=figures.limits(results)),
        figures.ageing(results),
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
        "r = {'RRAM1': _make('RRAM1'), 'FeFET1': _make('FeFET1', softness=1.55, seed=2)}\n"
        "sys.stdout.write(figures.severity(r, 0.0)); assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": "7"},
    )
    assert done.stdout == figures.severity(results, 0.0), done.stderr


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
    assert f">{worst:.3g}<" in figures.distribution(result, 0.0)


def test_a_percentile_without_limits_has_no_band(make) -> None:
    band = re.compile(r"fill-opacity: 0\.1\b")
    assert not band.search(figures.severity({"few": make(chips=100)}, 0.0))
    assert band.search(figures.severity({"enough": make(chips=400)}, 0.0))


def test_no_percentiles_no_dashes(make) -> None:
    svg = figures.severity({"x": make(percentiles=())}, 0.0)
    _check(svg)
    assert "stroke-dasharray" not in svg


def test_single_unlucky_chips_stay_visible(make) -> None:
    result = make(chips=10_000, sigma=(0.1,), age=(0.0,))
    values = np.full((1, 1, 10_000), 0.97)
    values[0, 0, 17] = 0.61
    unlucky = replace(result, values=values)
    svg = figures.distribution(unlucky)
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
    for svg in [*_all(results), figures.severity({label: make(label, sigma=(None,))})]:
        root = _check(svg)
        assert root.find(f".//{SVG}script") is None


def test_ages_share_one_axis(make) -> None:
    result = {"x": make()}
    ticks = [re.findall(r"<text[^>]*end[^>]*>(\d+)<", figures.severity(result, age)) for age in result["x"].age]
    assert ticks[0] == ticks[1] != []


def test_clear_refusals(make) -> None:
    with pytest.raises(SpecError, match="no results"):
        figures.severity({})
    other = replace(make(), metric="f1")
    with pytest.raises(SpecError, match="accuracy, f1"):
        figures.severity({"a": make(), "b": other})
    with pytest.raises(SpecError, match=r"no result has sigma 0\.7"):
        figures.ageing({"a": make()}, 0.7)
    with pytest.raises(SpecError, match="no age 5"):
        figures.distribution(make(), 5.0)


def test_series_are_told_apart_by_colour_and_marker() -> None:
    assert len({series(i) for i in range(42)}) == 42


def test_ticks_never_collide() -> None:
    kept = thinned([0.005, 0.01, 0.02, 0.05, 0.1, 0.2], 0.02)
    assert kept == [2, 3, 4, 5]


def test_plain_keeps_words_and_cuts_the_rest() -> None:
    assert plain("a\nb\x07", None) == "a b\N{REPLACEMENT CHARACTER}"
    assert plain("abcdefgh", 5) == "abcd…"
