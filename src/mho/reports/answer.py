"""The answer in words: what a reader should take away, computed from the chips and from nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from mho.reports.scale import Scale, scale_of, tail_of
from mho.reports.wording import NBSP, age_words, ordinal, sigma_words

if TYPE_CHECKING:
    from mho.evaluation.result import Population, Result

PERCENT = Scale("yield", fraction=True)
POINT = 0.01  # "loses less than one point": the loss of accuracy that people call free


class Finding(NamedTuple):
    """What one result says.

    Attributes:
        label: whose result.
        sentences: the most informative point first, the harshest point last.
    """

    label: str
    sentences: list[str]


def findings(results: Mapping[str, Result]) -> list[Finding]:
    """One finding a result: how far it goes almost without loss, and what is left at the harshest point.

    Both at the oldest age: the almost lossless point is the largest sigma up to which the mean loses less
    than one percentage point against the digital network; the harshest point is the largest sigma.
    """
    return [Finding(label, _sentences(result)) for label, result in results.items()]


def caveats(results: Mapping[str, Result]) -> list[str]:
    """What these chips are too few to say, once for all results."""
    out: list[str] = []
    for result in results.values():
        tail = tail_of(result)
        if result.chips == 1:
            out.append("One chip says nothing about the next one.")
        elif tail.k is not None:
            needed = chips_needed(tail.k, result.confidence)
            if result.chips < needed:
                side = "a lower" if tail.low else "an upper"
                out.append(
                    f"{result.chips:,} chips are too few for {side} limit (–) of the "
                    f"{ordinal(tail.k)} percentile; that takes {needed:,}."
                )
    return list(dict.fromkeys(out))


def _sentences(result: Result) -> list[str]:
    oldest = max(range(len(result.age)), key=lambda j: result.age[j])
    order = sorted(range(len(result.sigma)), key=lambda i: result.sigma[i] or 0.0)
    everyone = list(result.populations())
    row = [everyone[i * len(result.age) + oldest] for i in order]
    mildest, harshest = row[0], row[-1]
    if math.isnan(harshest.mean.value):
        return [f"At {_where(result, harshest)} no chip gave a value."]
    who = "the average chip" if result.chips > 1 else "the one chip evaluated"
    last = f"At the harshest point, {_where(result, harshest)}, {who} {_state(result, harshest)}"
    # Of a metric that is no fraction nobody said how much loss is small, nor whether more is better.
    if len(row) == 1 or not math.isfinite(result.digital) or not result.bounded:
        return [last if len(row) > 1 else f"At {_where(result, harshest)} {who} {_state(result, harshest)}"]
    easy = _almost_lossless(row, result.digital)
    if easy is None:
        first = f"Already at {_where(result, mildest)} {who} loses a point or more: it {_state(result, mildest)}"
        return [first, last]
    kept = f"{who} loses less than one point: it {_state(result, easy)}"
    if easy is harshest:
        return [f"Even at the harshest point, {_where(result, harshest)}, {kept}"]
    return [f"Up to {_where(result, easy)} {kept}", last]


def _almost_lossless(row: list[Population], digital: float) -> Population | None:
    kept = None
    for population in row:
        if not digital - population.mean.value < POINT:
            break
        kept = population
    return kept


def _where(result: Result, population: Population) -> str:
    place = sigma_words(population.sigma)
    return place if result.age == (0.0,) else f"{place} {age_words(population.age)}"


def _state(result: Result, population: Population) -> str:
    """``reaches 97.1 % [96.8, 97.4]; 99 % of chips stay above ...; the worst of 200 chips seen: ...``."""
    if math.isnan(population.mean.value):
        return "gave no value."
    scale, tail = scale_of({result.label: result}), tail_of(result)
    reaches = "reaches" if scale.fraction else f"has a {scale.metric} of"
    if result.chips == 1:
        return f"{reaches} {scale.said(population.mean.value)}."
    parts = [f"{reaches} {scale.measured(population.mean)}"]
    if tail.k is not None:
        share, side = (100 - tail.k, "above") if tail.low else (tail.k, "below")
        limit = scale.measured(population.percentile(tail.k))
        parts.append(f"{share:g}{NBSP}% of chips stay {side} {limit}")
    word = "worst" if scale.fraction else "lowest" if tail.low else "highest"
    parts.append(f"the {word} of {result.chips:,} chips seen: {scale.said(tail.extreme(population))}")
    if result.threshold is not None:
        good = PERCENT.measured(population.yield_above(result.threshold))
        verb = "reach" if scale.fraction else "are at or above"
        parts.append(f"{good} of chips {verb} {scale.factor * result.threshold:g}" + (f"{NBSP}%" * scale.fraction))
    return "; ".join(parts) + "."


def chips_needed(k: float, confidence: float) -> int:
    """The fewest chips of which the last one is a confidence limit of the k-th percentile, on its own side."""
    return math.ceil(math.log((1 - confidence) / 2) / math.log1p(-min(k, 100 - k) / 100))
