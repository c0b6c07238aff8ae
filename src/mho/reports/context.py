"""What a page says of all its results: the subtitle, the answer, and what the explanations depend on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mho.reports import answer, overview
from mho.reports.chapter import Chapter, Statistics
from mho.reports.summary import Summary
from mho.reports.wording import age_span, age_words, capital, ordinal
from mho.reports.writing import verified


def of_results(summary: Summary) -> dict[str, Any]:
    """Of a page with results."""
    scale, result = summary.scale, summary.entries[0].result
    return {
        "subtitle": _subtitle(summary),
        "axes": {name: values for name, values in summary.axes.items() if len(values) > 1},
        "metric": capital(scale.metric) + (" in percent" if scale.fraction else ""),
        **_answer(summary),
        **_reading(Statistics(result.confidence, summary.tail, summary.extreme)),
        "with_ekl": any(n.ekl is not None for e in summary.entries for n in e.numbers),
        "with_yield": bool(summary.thresholds),
        "with_nwc": verified([n.written for e in summary.entries for n in e.numbers]),
        "with_results": True,
        "with_sigma": summary.severe,
    }


def of_chapters(chapters: Sequence[Chapter]) -> dict[str, Any]:
    """Of a page that has nothing but chapters."""
    statistics = next((c.statistics for c in chapters if c.statistics is not None), None)
    return {
        "subtitle": " ".join(chapter.subtitle for chapter in chapters),
        "axes": {},
        "many": False,
        **(_reading(statistics) if statistics is not None else {"confidence": None}),
        "with_ekl": False,
        "with_yield": False,
        "with_nwc": False,
        "with_results": False,
        "with_sigma": False,
    }


def _answer(summary: Summary) -> dict[str, Any]:
    many = summary.many
    return {
        "many": many,
        "place": overview.heading(summary) if many else "",
        "findings": overview.findings(summary) if many else answer.findings(summary),
        "spread": overview.spread(summary) if many else [],
        "caveats": answer.caveats(summary),
    }


def _reading(statistics: Statistics) -> dict[str, Any]:
    """What the explanations depend on."""
    confidence, tail, extreme = statistics
    return {
        "confidence": f"{100 * confidence:g}",
        "extreme": capital(extreme),
        "tail": tail,
        "percentile": None if tail.k is None else ordinal(tail.k),
        "needed": None if tail.k is None else answer.chips_needed(tail.k, confidence),
    }


def _subtitle(summary: Summary) -> str:
    """``"Accuracy of 100 chips, each on 10,000 test samples; ..."``: what all results have in common."""
    every, scale, ages = [e.result for e in summary.entries], summary.scale, summary.ages
    chips, images = sorted({r.chips for r in every}), sorted({r.images for r in every})
    adaptive = any(getattr(r, "images_per_chip", None) is not None for r in every)
    parts = [
        f"{scale.metric} of {_either(chips)} chip{'s' * (chips != [1])}, each on "
        f"{'up to ' * adaptive}{_either(images)} test samples"
    ]
    data = {r.data for r in every}
    parts[0] += f" of {data.pop()}" if len(data) == 1 and data != {""} else ""
    last = f" to {age_span(ages[-1], summary.clock)}" if len(ages) > 1 else ""
    parts += [age_words(ages[0], summary.clock) + last]
    if len({r.digital for r in every}) == 1:
        parts.append(f"digital network {scale.said(every[0].digital, 2)}")
    if summary.many:
        parts.insert(0, f"{len(every)} results")
    return capital("; ".join(parts)) + "."


def _either(numbers: list[int]) -> str:
    return " or ".join(f"{n:,}" for n in numbers) if len(numbers) < 4 else f"{numbers[0]:,} to {numbers[-1]:,}"
