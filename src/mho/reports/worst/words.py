"""The worst possible chip in words: how far it falls, beside what chance shows, and how far it falls almost not."""

from __future__ import annotations

from mho.reports.answer import POINT, Finding
from mho.reports.labels import listed
from mho.reports.wording import NBSP, share
from mho.reports.worst.view import Entry, Point, WorstCases


def findings(cases: WorstCases) -> list[Finding]:
    """One finding a network: what is left at the largest bound, and how far it goes almost without loss."""
    return [Finding(e.label, lead(cases, e), _sentences(cases, e)) for e in cases.entries]


def headline(cases: WorstCases) -> str:
    """The answer in one sentence; of several networks, at the largest bound that all of them have."""
    if len(cases.entries) == 1:
        return lead(cases, cases.entries[0])
    shared = set.intersection(*({p.bound for p in e.points} for e in cases.entries))
    bound = max(shared, default=None)
    said = []
    for entry in cases.entries:
        point = entry.harshest if bound is None else next(p for p in entry.points if p.bound == bound)
        apart = f", ±{share(point.bound)}" if bound is None else ""
        said.append(f"{cases.scale.said(point.found)} ({entry.label}{apart})")
    where = "its largest bound" if bound is None else f"±{share(bound)} of the full scale"
    return f"A chip within {where} can {_moves(cases)} to {listed(said)}."


def lead(cases: WorstCases, entry: Entry) -> str:
    """``"A chip within ±3 % of the full scale can fall from 93.2 % to 9.6 %; of 300 random chips ..."``."""
    point, said, digital = entry.harshest, cases.scale.said, entry.case.digital
    words = f"A chip within {point.where} can {_moves(cases)} from {said(digital)} to {said(point.found)}"
    if not cases.worse(point.found, digital):
        words = f"The worst chip found within {point.where} is no worse than the digital network: it has "
        words += f"{said(point.found)}, the network {said(digital)}"
    chance = cases.chance(point)
    if chance is not None:
        chips = f"of {chance.chips:,} random chips" if chance.chips > 1 else "a random chip"
        words += (
            f"; {chips} within the same bound {'the worst had' if chance.chips > 1 else 'had'} {said(chance.worst)}"
        )
    return words + "."


def caveats(cases: WorstCases) -> list[str]:
    """What these searches do not show."""
    out = ["A search finds a bad chip, never a proof: the worst possible chip may be worse still."]
    for entry in cases.entries:
        for point in entry.points:
            chance = cases.chance(point)
            if chance is not None and cases.worse(chance.worst, point.found):
                out.append(
                    f"{entry.label}: within ±{share(point.bound)} a random chip was worse "
                    f"({cases.scale.said(chance.worst)}) than the one found; search longer."
                )
    return out


def _sentences(cases: WorstCases, entry: Entry) -> list[str]:
    case, said = entry.case, cases.scale.said
    out = _easy(cases, entry)
    if cases.alike and len(cases.entries) > 1:  # the caption says it once
        return out
    where = f"{case.search_images:,} samples{f' of {case.search_data}' if case.search_data else ''}"
    if (case.search_data, case.search_images) == (case.data, case.images):
        out.append(f"It was searched on the {where} that it is judged on.")
    else:
        judged = f"{case.images:,} samples{f' of {case.data}' if case.data else ''}"
        out.append(f"It was searched on {where}, where it has {said(entry.harshest.searched)}, and judged on {judged}.")
    return out


def _easy(cases: WorstCases, entry: Entry) -> list[str]:
    """How far the worst chip loses less than one point; of a metric that is no fraction nobody said what is little."""
    first, said = entry.points[0], cases.scale.said
    if not cases.scale.fraction:
        return []
    kept: Point | None = None
    for point in entry.points:
        if not abs(entry.case.digital - point.found) < POINT and cases.worse(point.found, entry.case.digital):
            break
        kept = point
    if kept is None:
        one = len(entry.points) == 1
        return [] if one else [f"Already within ±{share(first.bound)} it {_moves(cases)}s to {said(first.found)}."]
    cells = "" if kept.tolerance is None else f" (cells verified to {share(kept.tolerance)} of their range)"
    much = f"less than one{NBSP}point: it has {said(kept.found)}"
    if kept is entry.harshest:
        return [f"Even there the worst chip found{cells} loses {much}."]
    return [f"Up to ±{share(kept.bound)}{cells} the worst chip found loses {much}."]


def _moves(cases: WorstCases) -> str:
    return "fall" if cases.higher else "rise"
