"""The page of many results: a short answer, one table with axes, figures that stay legible, a size that is bounded."""

from __future__ import annotations

import re
import sys
import zlib
from base64 import b64decode
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import pytest

from mho.errors import SpecError
from mho.reports import figures, overview, thinning
from mho.reports.page import render
from mho.reports.plates import plates
from mho.reports.provenance import provenance
from mho.reports.summary import Summary
from mho.reports.wording import NBSP

TEXTS = {"title": "A study", "command": "mho study run study.yaml", "specs": {}}


@pytest.fixture(scope="module")
def summary(study) -> Summary:
    return Summary.of(*study)


@pytest.fixture(scope="module")
def page(study) -> str:
    results, axes = study
    return render(
        results=results, axes=axes, notices=["Mixes versions <0.1.0> and 0.2.0."],
        failures={"lost & gone": "Traceback\nValueError: <no>"}, specs=dict.fromkeys(results, "kind: Memory\n"),
        title="A study", command="mho study run study.yaml",
    )  # fmt: skip


def test_the_best_the_worst_and_the_spread(summary) -> None:
    heading = overview.heading(summary).replace(NBSP, " ")
    assert heading == "At sigma 0.2 after 1 year, the harshest point that all 15 results share"
    best, worst = overview.findings(summary)
    assert (best.label, worst.label) == ("Best: lenet, RRAM1", "Worst: vgg9, PCM")
    p = summary.entries[0].result.at(sigma=0.2, age=summary.ages[-1])
    expected = f"95 % of chips stay above {100 * p.percentile(5).value:.1f} % [–, {100 * p.percentile(5).high:.1f}]."
    assert best.lead.replace(NBSP, " ") == expected
    first, by_model, by_device = (s.replace(NBSP, " ") for s in overview.spread(summary))
    values = sorted(e.result.at(sigma=0.2, age=summary.ages[-1]).percentile(5).value for e in summary.entries)
    assert f"{100 * values[1]:.1f} % and {100 * values[-2]:.1f} %" in first
    assert f"its median is {100 * median(values[1:-1]):.1f} %" in first
    assert re.match(r"Medians by model: lenet \([\d.]+ %\), resnet18 \([\d.]+ %\), vgg9 ", by_model)
    assert by_device.startswith("Medians by memory.device: RRAM1")


def test_results_are_compared_where_all_have_numbers(study, make) -> None:
    results, _ = study
    odd = results | {"other": make("other", sigma=(0.05, 0.4), age=(0.0,), chips=40)}
    assert Summary.of(odd).common == (0.05, 0.0)
    apart = {f"{sigma:g}": make(sigma=(sigma,), age=(0.0,), chips=5) for sigma in np.linspace(0.1, 0.7, 7)}
    assert Summary.of(apart).common is None
    assert "Each of the 7 results at its own harshest point" in render(results=apart, **TEXTS)


def test_every_result_has_the_same_axes(study) -> None:
    results, axes = study
    label = next(reversed(results))
    with pytest.raises(SpecError, match="axes has no entry for the result 'model=vgg9"):
        Summary.of(results, {k: v for k, v in axes.items() if k != label})
    with pytest.raises(SpecError, match="the first result has model, "):
        Summary.of(results, {**axes, label: {"model": "x"}})
    Summary.of(results, {**axes, "failed": {}})


def test_the_page_says_everything_once(page, study) -> None:
    notice = re.search(r'<section class="notice" role="status"[^>]*>\n<p>(.*?)</p>', page)[1]
    assert notice == "Mixes versions &lt;0.1.0&gt; and 0.2.0."
    assert page.index("Mixes versions") < page.index('id="answer"')
    failed = page[page.index("<details>") : page.index("</details>")]
    assert "lost &amp; gone" in failed
    assert "ValueError: &lt;no&gt;" in failed
    assert "<details open" not in page
    head = re.search(r"<thead>.*?</thead>", page, re.DOTALL)[0]
    names = re.findall(r">([^<>]+)</button>", head)
    assert names[:6] == ["model", "memory.device", "seed", "sigma", "age", "mean"]
    assert page.count('scope=row>lenet</th><td>RRAM1</td><td>0</td><td>0.2</td><td data-order="0.0">0s</td>') == 1
    assert re.findall(r'<select data-column="(\d)">', page) == ["0", "1"], "a constant axis filters nothing"
    assert page.count("kind: Memory") == 15 + 2, "all at figure 1, and the best and the worst with their chips"


def test_which_figures_many_results_have(summary, study) -> None:
    drawn = plates(summary, {})
    assert [p.name for p in drawn] == ["ranking", "percentile", "mean", "ageing", "chips", "chips"]
    assert [len(p.panels) for p in drawn[:4]] == [1, 3, 3, 3], "a panel a network"
    assert [k.words for k in drawn[1].keys] == ["RRAM1", "RRAM2", "FeFET1", "FeFET2", "PCM", "range of all results"]
    assert [k.series for k in drawn[1].keys][:2] == [(0, 5, 10), (1, 6, 11)]
    marks = re.findall(r'class="marks" data-series="(\d+)"', drawn[1].panels[1].svg())
    assert sorted(map(int, marks)) == [5, 6, 7, 8, 9]


def test_without_axes_the_best_and_the_worst_stand_out(study) -> None:
    drawn = plates(Summary.of(study[0]), {})
    assert [p.name for p in drawn] == ["ranking", "severity", "ageing", "chips", "chips"]
    assert [k.words.split(":")[0] for k in drawn[1].keys] == ["best", "worst", "range of all results"]


def test_seeds_share_panel_and_colour(build_study) -> None:
    groups = figures.grouping(Summary.of(*build_study(4, 5, 2, sigma=(0.1,), age=(0.0,), chips=5)))
    assert list(groups.panels) == ["lenet", "resnet18", "vgg9", "vit-tiny"]
    assert [len(g) for g in groups.colours.values()] == [8] * 5


def test_chips_judged_on_some_images_are_not_drawn_one_by_one(summary) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Sampled(type(summary.entries[0].result)):
        images_per_chip: object = ()

    entries = [replace(e, result=Sampled(**vars(e.result))) for e in summary.entries[:2]]
    assert [p.name for p in plates(replace(summary, entries=tuple(entries)), {})] == ["severity"]


def test_what_all_results_share_is_said_once(summary) -> None:
    shared, *apart = provenance(summary)
    assert ["torch", "2.11"] in [[c.text for c in row] for row in shared.rows]
    assert apart == []


def test_a_large_study_stays_small_and_says_what_it_left_out(build_study) -> None:
    sigma = (0.01, 0.02, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2)
    results, axes = build_study(4, 5, 5, sigma=sigma, age=(0.0, 86400.0, 31_557_600.0), chips=1000)
    specs = dict.fromkeys(results, "kind: Memory\n" + "# " + "x" * 4000)
    page = render(title="Large", results=results, axes=axes, command="c", specs=specs)
    assert len(results) == 100
    assert len(page.encode()) < 2_000_000
    assert "Thinned: 1,600 of 2,400 populations are on this page (ages 0s, 1y); the results have all." in page
    assert "Thinned: 38 of 100 specifications are not on this page." in page


def test_thinning_keeps_the_largest_sigma_and_the_oldest_age(summary, monkeypatch) -> None:
    monkeypatch.setattr(thinning, "ROWS", 2 * len(summary.entries))
    kept, words = thinning.rows(summary)
    assert {(n.sigma, n.age) for _, n in kept} == {(0.05, summary.ages[-1]), (0.2, summary.ages[-1])}
    assert words.startswith("Thinned: 30 of 90 populations")
    ends, _ = thinning.tracebacks({"a": "x" * 9000 + "the error"})
    assert ends["a"].endswith("the error")
    assert len(ends["a"]) <= thinning.TRACEBACK + 1


def test_figures_for_paper_are_one_column_wide_with_embedded_fonts(page) -> None:
    found = re.findall(r'download="(a-study-figure-\d-[\w-]+\.pdf)" href="data:application/pdf;base64,([^"]+)"', page)
    assert len(found) == 6
    for _, encoded in found:
        pdf = b64decode(encoded)
        assert pdf.startswith(b"%PDF-")
        width, height = map(float, re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", pdf).groups())
        assert width == 3.5 * 72
        assert height < 11 * 72
        assert b"/FontFile2" in pdf
        assert b"/Type3" not in pdf
        streams = [s for s in re.findall(rb"\nstream\n(.*?)\nendstream", pdf, re.DOTALL) if s[:1] == b"x"]
        sizes = re.findall(rb"/F\d+ ([\d.]+) Tf", b"".join(zlib.decompressobj().decompress(s) for s in streams))
        assert {float(s) for s in sizes} == {8.0}


def test_of_too_many_points_only_the_last_of_a_line_answers(summary, monkeypatch) -> None:
    monkeypatch.setattr(sys.modules["mho.reports.figures.multiples"], "POINTS", 40)
    plate = plates(summary, {})[1]
    assert plate.caption.endswith("Thinned: only the last point of a line tells its numbers.")
    words = re.findall(r"<title>([^<]+)</title></circle>", plate.panels[0].svg())
    assert len(words) == 5
    assert all("\nsigma 0.2 " in w for w in words)


def test_long_labels_stand_whole_on_a_wide_screen(study) -> None:
    bare = plates(Summary.of(study[0]), {})[0]
    assert "model=resnet18, memory.device=FeFET1, seed=0</text>" in bare.wide.svg()
    assert "model=resnet18, memory.device=FeFET1, seed=0</text>" not in bare.panels[0].svg()
    assert plates(Summary.of(*study), {})[0].wide is None
