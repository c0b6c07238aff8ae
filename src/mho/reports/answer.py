"""The answer in words: what a reader should take away, computed from the chips and from nothing else."""

from __future__ import annotations

import math
from typing import NamedTuple

from mho.evaluation import accounts
from mho.reports.scale import Scale, enough
from mho.reports.summary import Entry, Numbers, Summary
from mho.reports.wording import NBSP, capital, ordinal, sigma_words
from mho.reports.writing import sentence

PERCENT = Scale("yield", fraction=True)
POINT = 0.01  # "loses less than one point": the loss of accuracy that people call free


class Finding(NamedTuple):
    """What one result says.

    Attributes:
        label: whose result.
        lead: the one sentence to remember, about the unlucky chip; empty where no percentile was asked for.
        sentences: what else there is to say.
    """

    label: str
    lead: str
    sentences: list[str]


def findings(summary: Summary) -> list[Finding]:
    """One finding a result: what is left at the harshest point, and how far it goes almost without loss.

    Both at the oldest age: the harshest point is the largest sigma; the almost lossless point is the largest
    sigma up to which the mean loses less than one percentage point against the digital network.
    """
    return [Finding(e.short, lead(summary, e), [*_sentences(summary, e), *_writing(e)]) for e in summary.entries]


def lead(summary: Summary, entry: Entry) -> str:
    """``"At sigma 0.2 after 1 year, 99 % of chips stay above 93.1 % [92.8, 93.3]."``; empty without a percentile."""
    stay = stays(summary, entry.harshest)
    return stay and f"{capital(entry.at_point(entry.harshest))}, {stay}."


def stays(summary: Summary, numbers: Numbers) -> str:
    """``"99 % of chips stay above 93.1 % [92.8, 93.3]"``; empty without a percentile, or with one chip."""
    unlucky = summary.unlucky(numbers)
    if unlucky is None or numbers.chips == 1 or math.isnan(unlucky.value):
        return ""
    share, side = summary.tail.share()
    return f"{share:g}{NBSP}% of chips stay {side} {summary.scale.measured(unlucky)}"


def caveats(summary: Summary) -> list[str]:
    """What these chips are too few to say, once for all results."""
    out: list[str] = []
    for entry in summary.entries:
        result, tail = entry.result, summary.tail
        if result.screening is not None:
            out.append(f"{entry.short}: {accounts.spending(result)}.")
        if result.chips == 1:
            out.append("One chip says nothing about the next one.")
        elif tail.k is None and result.percentiles:
            k = max(result.percentiles, key=lambda k: min(k, 100 - k))
            out.append(f"{result.chips:,} chips are too few for a {ordinal(k)} percentile; that takes {enough(k):,}.")
        elif tail.k is not None and result.screening is None:  # an adaptive one says itself what it did not reach
            needed = chips_needed(tail.k, result.confidence)
            if result.chips < needed:
                side = "a lower" if tail.low else "an upper"
                out.append(
                    f"{result.chips:,} chips are too few for {side} limit (–) of the "
                    f"{ordinal(tail.k)} percentile; that takes {needed:,}."
                )
    return list(dict.fromkeys(out))


def _sentences(summary: Summary, entry: Entry) -> list[str]:
    oldest = max(entry.result.age)
    row = sorted((n for n in entry.numbers if n.age == oldest), key=lambda n: n.sigma or 0.0)
    mildest, harshest = row[0], row[-1]
    where, there = entry.where(harshest), entry.at_point(harshest)
    if math.isnan(harshest.mean.value):
        return [f"{capital(there)} no chip gave a value."]
    who = "the average chip" if harshest.chips > 1 else "the one chip evaluated"
    said = bool(stays(summary, harshest))
    one = len(row) == 1
    # The lead has said where, and how the unlucky chip does.
    place = "" if said and one else "there," if said else there if one else f"at the harshest point, {where},"
    last = capital(f"{place} {who} {_state(summary, harshest, unlucky=not said)}".strip())
    # Of a metric that is no fraction nobody said how much loss is small, nor whether more is better.
    digital = entry.result.digital
    if one or not math.isfinite(digital) or not summary.scale.fraction:
        return [last]
    easy = _almost_lossless(row, digital)
    if easy is None:
        start = f"Already at {entry.where(mildest)} {who} loses a point or more"
        return [last, f"{start}: it {_state(summary, mildest)}"]
    kept = f"{who} loses less than one point: it {_state(summary, easy, unlucky=not said or easy is not harshest)}"
    if easy is harshest:
        return [f"Even {'there' if said else f'at the harshest point, {where},'} {kept}"]
    return [last, f"Up to {entry.where(easy)} {kept}"]


def _writing(entry: Entry) -> list[str]:
    """What programming costs, where anybody said it: at the harshest point, where sigmas differ in it."""
    costs, last = {n.written for n in entry.numbers}, entry.harshest
    if last.written is None:
        return []
    return [sentence(last.written, f" at {sigma_words(last.sigma)}" if len(costs) > 1 else "")]


def _almost_lossless(row: list[Numbers], digital: float) -> Numbers | None:
    kept = None
    for numbers in row:
        if not digital - numbers.mean.value < POINT:
            break
        kept = numbers
    return kept


def _state(summary: Summary, numbers: Numbers, *, unlucky: bool = True) -> str:
    """``reaches 97.1 % [96.8, 97.4]; 99 % of chips stay above ...; the worst of 200 chips seen: ...``."""
    scale = summary.scale
    if math.isnan(numbers.mean.value):
        return "gave no value."
    reaches = "reaches" if scale.fraction else f"has a {scale.metric} of"
    if numbers.chips == 1:
        return f"{reaches} {scale.said(numbers.mean.value)}."
    parts = [f"{reaches} {scale.measured(numbers.mean)}"]
    if unlucky and (stay := stays(summary, numbers)):
        parts.append(stay)
    parts.append(f"the {summary.extreme} of {numbers.chips:,} chips seen: {scale.said(numbers.extreme)}")
    verb = "reach" if scale.fraction else "are at or above"
    for threshold, good in numbers.good.items():
        limit = f"{scale.factor * threshold:g}" + f"{NBSP}%" * scale.fraction
        parts.append(f"{PERCENT.measured(good)} of chips {verb} {limit}")
    return "; ".join(parts) + "."


def chips_needed(k: float, confidence: float) -> int:
    """The fewest chips of which the last one is a confidence limit of the k-th percentile, on its own side."""
    return math.ceil(math.log((1 - confidence) / 2) / math.log1p(-min(k, 100 - k) / 100))
