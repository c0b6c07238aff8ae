"""Pages whose ages are inferences say so in words, tables, captions and on axes; no page has ages of two kinds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mho.errors import SpecError
from mho.reports import answer, context, figures, overview, tables, thinning
from mho.reports.figures import places
from mho.reports.page import render
from mho.reports.plates import plates
from mho.reports.summary import Summary
from mho.reports.wording import NBSP, age_words

AGES = (0.0, 1.0, 1e3, 1e6)
TEXTS = {"title": "Worn", "command": "mho evaluate", "specs": {}}


def counted(make, *labels, **options):
    return {label: replace(make(label, age=AGES, **options), clock="inferences") for label in labels}


@pytest.fixture(scope="module")
def summary(make) -> Summary:
    return Summary.of(counted(make, "A", "B"))


def test_words() -> None:
    words = [age_words(age, "inferences").replace(NBSP, " ") for age in AGES]
    assert words == ["just programmed", "after 1 inference", "after 1,000 inferences", "after 1e6 inferences"]


def test_sentences(summary) -> None:
    lead = answer.lead(summary, summary.entries[0]).replace(NBSP, " ")
    assert lead.startswith("At sigma 0.2 after 1e6 inferences, ")
    said = context.of_results(summary)["subtitle"].replace(NBSP, " ")
    assert "just programmed to 1e6 inferences" in said


def test_the_table(summary) -> None:
    kept, _ = thinning.rows(summary)
    table = tables.populations(summary, kept)
    column = table.header.index("inferences")
    assert "age" not in table.header
    assert [row[column].text for row in table.rows[:4]] == ["0", "1", "1,000", "1e6"]
    assert [row[column].order for row in table.rows[:4]] == list(AGES)
    assert "inferences 0, 1e6" in thinning.rows(summary, 12 / thinning.ROWS * 2)[1]


def test_the_axis(summary) -> None:
    along = places.ages(summary)
    assert along.label == "inferences since programming"
    assert (along.word, places.sigmas(summary).word) == ("inferences", "sigma")
    assert [text for _, text in along.ticks] == ["0", "1", "1,000", "1e6"]
    assert "against inferences since programming" in figures.ageing(summary, 0.1).title
    assert "after 1,000" in figures.severity(summary, 1e3).title.replace(NBSP, " ")


def test_no_time_is_left_on_a_page(make) -> None:
    few, many = counted(make, "A", "B"), counted(make, *"ABCDEFGH", chips=30, sigma=(0.1, 0.2))
    for results in (few, many):
        text = render(results=results, **TEXTS)
        assert "inferences since programming" in text
        assert "time since programming" not in text
        captions = " ".join(plate.caption for plate in plates(Summary.of(results), {}))
        assert "against inferences since programming" in captions
    heading = overview.heading(Summary.of(many)).replace(NBSP, " ")
    assert "after 1e6 inferences" in heading
    assert "time since programming" in render(results={"A": make("A", age=(0.0, 1.0, 1e3))}, **TEXTS)


def test_what_has_no_sigma_says_nothing_of_one(make) -> None:
    few = counted(make, "A", "B", sigma=(None,))
    lead = answer.lead(Summary.of(few), Summary.of(few).entries[0]).replace(NBSP, " ")
    assert lead.startswith("After 1e6 inferences, 99 % of chips")
    many = counted(make, *"ABCDEFGH", sigma=(None,))
    assert overview.heading(Summary.of(many)).startswith("After 1e6")
    for results in (few, many):
        text = render(results=results, **TEXTS)
        assert "sigma" not in text.lower().partition("<main>")[2].partition("<script>")[0]
    fresh = {"A": replace(make("A", age=(0.0,), sigma=(None,)), clock="inferences")}
    assert answer.lead(Summary.of(fresh), Summary.of(fresh).entries[0]).startswith("Before the first inference, 99")
    mixed = few | counted(make, "C", sigma=(0.1,))
    assert "sigma" in tables.populations(Summary.of(mixed), thinning.rows(Summary.of(mixed))[0]).header


def test_ages_of_two_kinds_are_refused(make) -> None:
    worn = counted(make, "worn")
    fresh, aged = make("fresh", age=(0.0,)), make("aged", age=(0.0, 1e3))
    assert Summary.of({**worn, "fresh": fresh}).clock == "inferences"
    with pytest.raises(SpecError, match="'worn' in inferences and 'aged' in seconds; give results of one kind"):
        Summary.of({**worn, "aged": aged})
