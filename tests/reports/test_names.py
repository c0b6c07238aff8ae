"""Labels with little room still tell their results apart."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mho.reports import figures
from mho.reports.figures.names import rowed, stacked
from mho.reports.summary import Summary

GRID = [f"bits {b}, fault_rate {r}" for b in (64, 16, 4) for r in ("0.0001", "0.001")]


@pytest.mark.parametrize(
    ("labels", "longest", "shown"),
    [
        (["RRAM1", "FeFET1"], 7, ["RRAM1", "FeFET1"]),
        (["lenet, RRAM1", "lenet, FeFET1"], 22, ["lenet, RRAM1", "lenet, FeFET1"]),
        (GRID, 7, [f"bits {b}\n{r}" for b in (64, 16, 4) for r in ("0.0001", "0.001")]),
        (["Racetrack p=0.0001, K=64", "Racetrack p=0.001, K=64"], 9, ["0.0001", "0.001"]),
        (["a, bcdefghijk", "abcdefghijkl"], 4, ["a,…k", "ab…l"]),
    ],
)
def test_below_ticks(labels, longest, shown) -> None:
    assert stacked(labels, longest) == shown


@given(st.lists(st.text("ab =,0.", min_size=1, max_size=14).map(str.strip).filter(bool), min_size=1, max_size=6,
                unique_by=lambda text: " ".join(text.split())), st.integers(4, 12))  # fmt: skip
def test_labels_that_differ_are_shown_as_different_ones(labels, longest) -> None:
    assert len(set(stacked(labels, longest))) == len(labels)
    assert len(set(rowed(labels, longest))) == len(labels)


def test_ticks_and_rows_of_a_study_by_several_axes(make) -> None:
    axes = {label: {"m.bits": label.split(", ")[0][5:], "m.fault_rate": label.split()[-1]} for label in GRID}
    summary = Summary.of({label: make(label, sigma=(None,), age=(0.0,)) for label in GRID}, axes)
    drawn = re.findall(r"<!--(.*?)-->|>([^<>]+)</text>", figures.severity(summary).svg())
    texts = [a.strip() or b.strip() for a, b in drawn]
    assert texts.count("0.0001") == texts.count("0.001") == 3
    assert all(f"bits {b}" in texts for b in (64, 16, 4))
    long = {label: f"{label}, encoding twos-complement" for label in GRID}
    assert len(set(rowed([*long.values()], 28))) == 6
