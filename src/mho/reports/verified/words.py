"""The cheapest verification in words: how little is enough, how much that saves, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mho.reports.answer import Finding, chips_needed
from mho.reports.labels import listed
from mho.reports.verified.view import Entry, Point, Verifications, by
from mho.reports.wording import NBSP, brief, capital, count, energy, factor, ordinal, share
from mho.reports.writing import outside


def findings(view: Verifications) -> list[Finding]:
    """One finding a verification: the cheapest ranking, what it saves, and what it costs."""
    return [Finding(e.label, lead(view, e), _sentences(view, e)) for e in view.entries]


def headline(view: Verifications) -> str:
    """The answer in one sentence: that of the first verification, or of each."""
    if len(view.entries) == 1:
        return lead(view, view.entries[0])
    return " ".join(f"{capital(e.label)}: {lead(view, e)}" for e in view.entries)


def lead(view: Verifications, entry: Entry) -> str:
    """``"Verifying 10 % of the weights by second derivative reaches 97.1 % [..]: as much as 90 % at random."``."""
    found = cheapest(view, entry)
    if found is None:
        none, full = next(iter(entry.points.values()))[0], entry.full
        reaches = f"from {view.scale.measured(none.mean)} to {view.scale.measured(full.mean)}"
        weights = "all weights" if full.fraction == 1 else f"{share(full.fraction)} of the weights"
        return f"Verifying {weights} brings the {view.scale.metric} {reaches}."
    reaches = "reaches" if view.scale.fraction else f"gives a {view.scale.metric} of"
    return f"{_doing(found)} {reaches} {view.scale.measured(found.mean)}{_compared(view, entry, found)}."


def cheapest(view: Verifications, entry: Entry) -> Point | None:
    """The point with the fewest cycles that is near enough to full verification, short of it."""
    if entry.drop is None:
        return None
    near = [view.enough(entry, points, entry.drop) for points in entry.points.values()]
    return min((p for p in near if p is not None and p.nwc < entry.full.nwc), key=lambda p: p.nwc, default=None)


def caveats(view: Verifications) -> list[str]:
    """What these chips are too few to say."""
    out, k = [], view.tail.k
    for entry in view.entries:
        chips, confidence = entry.full.chips, entry.source.confidence
        if k is None or chips >= (needed := chips_needed(k, confidence)):
            continue
        side = "a lower" if view.tail.low else "an upper"
        out.append(
            f"{chips:,} chips are too few for {side} limit (–) of the {ordinal(k)} percentile; that takes {needed:,}."
        )
    return list(dict.fromkeys(out))


def points(view: Verifications, drop: float) -> str:
    """``"0.5 points"``; of a metric that is no fraction the number itself."""
    if not view.scale.fraction:
        return f"{drop:g}"
    return f"{100 * drop:.3g}{NBSP}point{'s' * (drop != 0.01)}"


def times(speedup: Sequence[float]) -> str:
    """``"9.1 [8.0, 10.2]"``."""
    value, low, high = map(factor, speedup)
    return f"{value} [{low},{NBSP}{high}]"


def _doing(point: Point) -> str:
    if point.ranking == "in-situ":
        return f"In-situ training with {point.nwc:.2g} of the write cycles"
    if point.fraction == 0:
        return "Even verifying nothing"
    return f"Verifying {share(point.fraction)} of the weights {by(point.ranking)}"


def _compared(view: Verifications, entry: Entry, found: Point) -> str:
    """``": as much as 90 % at random"``; empty without another ranking."""
    others = [r for r in entry.points if r not in (found.ranking, "in-situ")]
    if not others or found.fraction == 0:
        return ""
    other = "random" if "random" in others else others[-1]
    # By chance a part can score higher than the whole, which no other order could then reach.
    aim = (min if view.higher else max)(found.mean.value, entry.full.mean.value)
    same = view.reaching(entry.points[other], aim)
    if same is None:
        return ""
    if same.fraction == 1:
        return f"; {by(other)}, that takes all of them"
    return f": as much as {share(same.fraction)} {by(other)}"


def _sentences(view: Verifications, entry: Entry) -> list[str]:
    source, found, out = entry.source, cheapest(view, entry), []
    if entry.drop is not None:
        if found is None:
            out.append(f"No ranking comes within {points(view, entry.drop)} of that with fewer write cycles.")
        else:
            saved, drop = source.speedup(entry.drop), f"For a drop of at most {points(view, entry.drop)}"
            out.append(
                f"{drop}, nothing has to be verified."
                if math.isinf(saved[found.ranking][0])
                else f"{drop} it takes {times(saved[found.ranking])} times fewer write cycles than verifying "
                f"{entry.everything}{_others(entry, found, saved)}."
            )
    at = found or entry.full
    start = next(iter(entry.points.values()))[0]
    if at.unlucky is not None and view.tail.k is not None and start.unlucky is not None:
        percent, side = view.tail.share()
        before = f"; with none verified, {side} {view.scale.said(start.unlucky.value)}" if start.fraction == 0 else ""
        out.append(f"There, {percent:g}{NBSP}% of chips stay {side} {view.scale.measured(at.unlucky)}{before}.")
    paid = [f"{count(at.cycles)} write cycles a chip (first writes included)"]
    paid += [brief(at.seconds)] if math.isfinite(at.seconds) else []
    paid += [energy(at.joules, NBSP)] if math.isfinite(at.joules) else []
    out.append(f"That is {listed(paid)}; {outside(at.failures, source.cells)}.")
    return out + _stopped(view, entry, at)


def _others(entry: Entry, found: Point, saved: dict[str, tuple[float, float, float]]) -> str:
    others = [r for r in entry.points if r != found.ranking]
    rest = [f"{times(saved[r])} {by(r)}" for r in others if 1 < saved[r][0] < math.inf]
    if rest:
        return f" ({', '.join(rest)})"
    return "; no other ranking saves any" if others else ""


def _stopped(view: Verifications, entry: Entry, at: Point) -> list[str]:
    """What every chip by itself needed, if that was asked for."""
    source, stop = entry.source, entry.stops.get(at.ranking)
    if stop is None or source.target_drop is None:
        return []
    on = f"{source.calibration_images:,} samples{f' of {source.calibration}' if source.calibration else ''}"
    reached = math.isfinite(stop.median)
    who = f"half of the chips need {share(stop.median)} or less" if reached else "most chips never get there"
    lost = f"; {stop.never:,} of {stop.chips:,} never get there" if stop.never and reached else ""
    drop = points(view, source.target_drop)
    when = f"once within {drop} of the digital network on {on}"
    return [f"Stopped chip by chip, {when}, {who} {by(at.ranking)}{lost}."]
