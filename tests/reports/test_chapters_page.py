"""Worst cases and verifications on a page: beside results, and alone."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from outline import read
from stand_ins import FOUND, RANKINGS, verification, worst_case, writing

import mho
from mho.errors import SpecError
from mho.reports import write
from mho.reports.page import render

HOSTILE = "<script>alert(1)</script>\"'&{{ 7 * 7 }}</style>$x$"
WORST, CHEAP = "The worst possible chip", "The cheapest verification"


@pytest.fixture(scope="module")
def beside(results, description, tmp_path_factory):
    path = tmp_path_factory.mktemp("beside") / "report.html"
    write(
        path, title="Three questions", results=results, description=description, command="mho evaluate x",
        specs={"RRAM1": "kind: RRAM1\n", "FeFET1": "kind: FeFET1\n"}, references=["qin2025neft"],
        worst=[worst_case(label="RRAM1"), worst_case("Gaussian 0.1", label="FeFET1")],
        verifications=[verification()],
    )  # fmt: skip
    return read(path)


def test_chapters_stand_between_the_populations_and_the_layers(beside) -> None:
    text, outline = beside
    heads = [h for h in outline.heads if h]
    assert heads == ["Three questions", "The answer", "Figures", "Every population", WORST, CHEAP, "What sits where",
                     "How to read this", "Provenance", "References"]  # fmt: skip
    first = text[text.index('id="answer"') : text.index('class="study"')]
    assert f'<a href="#worst">{WORST}</a>' in first
    assert "can fall to 8.9\N{NO-BREAK SPACE}% (RRAM1)" in first
    assert f'<a href="#verification">{CHEAP}</a>' in first
    assert "by second derivative reaches" in first
    figures = [int(n) for n in re.findall(r"<b>Figure (\d)\.</b>", text)]
    assert figures == [1, 2, 3, 4, 5]
    assert "three-questions-figure-5-verification.pdf" in text
    assert re.findall(r"@\w+\{(\w+),", text) == ["qin2025neft", "yan2022worst", "yan2022swim"]


def test_a_chapter_says_how_to_repeat_it(beside) -> None:
    text, _ = beside
    worst, cheap = text.split("Reproduce figure 4")[1], text.split("Reproduce figure 5")[1]
    assert "mho.worst_case(mho.deploy(model, memory, seed=0), data, bound=[0.005, " in worst[:600]
    assert "mho evaluate x" not in worst[:600]
    assert "kind: FeFET1" in worst.split(CHEAP)[0], "specifications of the same labels"
    assert "mho.verify(model, memory, data, calibration=training_data, rankings=[" in cheap[:600]
    assert "kind:" not in cheap.split("What sits where")[0]


def test_words_and_facts_are_explained(beside) -> None:
    text, _ = beside
    for term in ("Worst chip found", "Bound", "NWC", "Ranking", "Sigma"):
        assert text.count(f"<dt>{term}</dt>") == 1
    provenance = text[text.index('id="provenance"') :]
    assert provenance.count("<table") == 3
    for fact in ("MNIST train", "passes over them", "4000 samples of MNIST train", "423,672", "61.2 s"):
        assert fact in provenance


def test_without_them_the_page_knows_nothing_of_them(results) -> None:
    page = render(title="T", results=results, command="c", specs={})
    assert WORST not in page
    assert "NWC" not in page
    assert 'class="chapter"' not in page
    assert 'class="findings beyond"' not in page


def test_a_page_of_nothing_else(tmp_path) -> None:
    path = mho.report(tmp_path / "r.html", worst=[worst_case(n) for n in FOUND], verification=verification())
    text, outline = read(path)
    heads = [h for h in outline.heads if h]
    assert heads == ["No noise, Gaussian 0.1, Gaussian 0.2, sigma 0.2", WORST, CHEAP, "How to read this",
                     "Provenance", "References"]  # fmt: skip
    assert all(a.startswith(("#", "data:")) for a in outline.addresses)
    assert "http" not in re.sub(r'base64,[^"]+', "", text).split('id="references"')[0].replace("http-equiv", "")
    assert path.stat().st_size < 500_000
    assert outline.ids.count("keys") == 1
    assert "<dt>Sigma</dt>" not in text
    assert "<dt>[low, high]</dt>" in text
    assert "mho.worst_case(" in text


def test_a_search_has_no_intervals_to_explain(tmp_path) -> None:
    text, _ = read(mho.report(tmp_path / "r.html", worst=worst_case(), title="One", command="make worst"))
    assert "<dt>[low, high]</dt>" not in text
    assert "<dt>Chip</dt>" in text
    assert "make worst" in text
    assert "mho.worst_case(" not in text
    assert CHEAP not in text


def test_the_bytes_depend_on_the_data_alone() -> None:
    once, again = (
        render(
            title="T", command="", specs={}, worst=[worst_case()], verifications=[verification(rankings=RANKINGS[:2])]
        )
        for _ in range(2)
    )
    assert once == again


def test_hostile_text_is_only_text(tmp_path) -> None:
    worst = worst_case(label=HOSTILE, won=(HOSTILE,) * 5, data=HOSTILE, search_data=HOSTILE)
    worst = replace(worst, random={HOSTILE: worst.random["corners"]})
    cheap = verification(HOSTILE, rankings=RANKINGS[:3], calibration=HOSTILE, sensitivity=HOSTILE)
    cheap = replace(cheap, rankings=(HOSTILE, "b", "c"))
    text, _ = read(write(tmp_path / "x.html", title="T", command="c", specs={}, worst=[worst], verifications=[cheap]))
    assert text.count("<script>") == 1
    assert "<script>alert" not in text
    assert text.count("</style>") == 1


def test_a_page_of_nothing_is_refused(tmp_path) -> None:
    with pytest.raises(SpecError, match="no results"):
        write(tmp_path / "x.html", title="T", command="c", specs={})
    with pytest.raises(SpecError, match="nothing to show; give results"):
        mho.report(tmp_path / "x.html")
    assert not (tmp_path / "x.html").exists()


def test_what_programming_costs_stands_with_the_populations(make) -> None:
    costly = replace(make(), writing=writing(5, timed=True))
    page = render(title="T", results={"a": costly, "b": make("b")}, command="c", specs={})
    text = page.replace("\N{NO-BREAK SPACE}", " ")
    assert (
        "<p>Programming a chip at sigma 0.2 takes 6.5 million write cycles, NWC 0.55 (0.75 with the first write of "
        "all), 6.5 seconds, 55 µJ; 2 of 423,672 cells stay outside the tolerance.</p>"
    ) in text
    head = re.findall(r">([^<>]+)</button>", re.search(r"<thead>.*?</thead>", page, re.DOTALL)[0])
    assert head[-6:] == ["cycles", "NWC", "with first writes", "cells outside", "time", "energy"]
    rows = re.findall(r'<tr data-series="0">(.*?)</tr>', page)
    assert [re.findall(r">([^<>]+)</td>", row)[-6] for row in rows[::2]] == [
        "1,300,000", "2,600,000", "3,900,000", "5,200,000", "6,500,000",
    ]  # fmt: skip
    assert page.count("<dt>NWC</dt>") == 1


def test_open_loop_writing_is_not_mentioned(make) -> None:
    plain = render(title="T", results={"a": make()}, command="c", specs={})
    assert render(
        title="T", results={"a": replace(make(), writing=writing(5, verifies=False))}, command="c", specs={}
    ) == plain  # fmt: skip


def test_cells_that_hardly_ever_fail_are_none(make) -> None:
    rare = replace(writing(5), failures=(0.0, 1e-11, 1e-9, 0.001, 0.004))
    page = render(title="T", results={"a": replace(make(), writing=rare)}, command="c", specs={})
    assert "; no cell stays outside the tolerance.</p>" in page
    shown = re.findall(r'data-order="([^"]+)">([^<]+)</td></tr>', page)
    assert [(float(order), text) for order, text in shown[::2]] == [
        (0.0, "0"), *((f, "&lt;0.01") for f in rare.failures[1:])
    ]  # fmt: skip


def test_costs_that_no_sigma_changes_are_said_once(make) -> None:
    same = replace(writing(1), cycles=(1.3e6,) * 5, nwc=(0.11,) * 5, nwc_with_first_write=(0.2,) * 5,
                   failures=(0.4,) * 5)  # fmt: skip
    page = render(title="T", results={"a": replace(make(), writing=same)}, command="c", specs={})
    said = "Programming a chip takes 1.3 million write cycles, NWC 0.11 (0.2 with the first write of all); 0.4 of "
    assert said in page.replace("\N{NO-BREAK SPACE}", " ")
