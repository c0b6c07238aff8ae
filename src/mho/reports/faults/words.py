"""Stuck cells in words: how many each scheme stands, which one to take, and what to protect first."""

from __future__ import annotations

import math

from mho.reports.answer import POINT, Finding
from mho.reports.faults import parts
from mho.reports.faults.curves import BARE, PAPER, Line, Swept
from mho.reports.faults.phrases import NAMED, called, drop, rate, times, tolerates
from mho.reports.faults.view import Faulty
from mho.reports.labels import listed
from mho.reports.wording import NBSP, share

GAIN = 0.125 / 0.05
"""How many times the rate the paper says its scheme tolerates [li2024zerospace]; a comparison, never computed with."""


def opening(view: Faulty) -> str:
    """The answer in one sentence: of the first curves; without any, the first thing that there is to say."""
    if not view.curves:
        return next((f.sentences[0] for f in findings(view)), "")
    swept = view.curves[0]
    taken, bare = swept.taken, swept.bare
    stands = f"{tolerates(taken.tolerated)} of its cells stuck before the mean {swept.scale.metric} loses {drop(swept)}"
    if taken is bare:
        rest = "; no other scheme is told from it by these chips" if len(swept.lines) > 1 else ""
        return f"As it is, {swept.title} stands {stands}{rest}."
    more = f", for {share(taken.overhead, 3)} more cells" if taken.overhead else ", at no cost in cells"
    known = ", where the stuck cells of every chip are known" * taken.known_map
    known += ", with cells read one by one" * taken.digital
    return (
        f"With {called(taken.name)}, {swept.title} stands {stands}{more}{known}; with {called(bare.name)}, "
        f"{tolerates(bare.tolerated)}."
    )


def findings(view: Faulty) -> list[Finding]:
    """One finding a question, as far as there is something to say."""
    several = len(view.curves) > 1
    said: list[tuple[str, list[str]]] = []
    for swept in view.curves:
        where = f", {swept.title}" if several else ""
        said.append((f"How many stuck cells it stands{where}", [*_stands(swept), *_compared(swept), *_clean(swept)]))
        said.append((f"Which scheme to take{where}", _which(swept) if len(swept.lines) > 1 else []))
    said += [
        *((f"Which {found.of}s matter", parts.sensitive(found)) for found in view.sensitivities),
        ("What pruning leaves", [s for found in view.pruned for s in parts.pruning(found)]),
        ("Where copies sit", [s for found in view.described for s in parts.embedding(found)]),
        ("What the weights look like", [s for found in view.statistics for s in parts.weights(found)]),
    ]
    return [Finding(question, "", sentences) for question, sentences in said if sentences]


def caveats(view: Faulty) -> list[str]:
    """What these numbers do not say."""
    out = []
    for swept in view.curves:
        if len(swept.level) > 1 or len(swept.lines) > 3:
            out.append(
                "Schemes are compared on the samples they are judged on: the best of many looks a little too good."
            )
        beyond = [called(line.name) for line in swept.lines if line.tolerated.sign == "≥"]
        if beyond:
            who = listed(beyond) if len(beyond) <= NAMED else f"{len(beyond)} schemes"
            out.append(
                f"“At least”: {who} would stand more than the highest rate measured, {rate(swept.source.rates[-1])}."
            )
    if view.curves:
        out.append(
            "Not modelled: converters, resistance of lines, read energy (flipped planes are nearly all ones), and the "
            "logic that votes, shifts and finds copies."
        )
    if any(s.of == "layer" for s in view.sensitivities):
        out.append("Layers were hit one at a time; together they may cost more, or less, than the sum.")
    if any(beside(swept) for swept in view.curves):
        out.append(
            "Published numbers are those of another network, and what they were measured with is not all printed: "
            "they stand beside ours, nothing is computed from them."
        )
    return list(dict.fromkeys(out))


def beside(swept: Swept) -> bool:
    """Whether published numbers have a place beside these: of the task that they are of."""
    return "mrpc" in swept.source.data.lower() and any(swept.named(name) for name in (BARE, PAPER))


def _stands(swept: Swept) -> list[str]:
    """What every scheme tolerates, most first."""
    ranked = swept.ranked
    shown = ranked if len(ranked) <= NAMED else [line for line in ranked if line.slot is not None]
    said = [f"{called(line.name)} {tolerates(line.tolerated)}" for line in shown]
    others = f" ({len(ranked) - len(shown)} more schemes are in the table)" if len(shown) < len(ranked) else ""
    return [f"The mean loses at most {drop(swept)} up to this share of stuck cells: {listed(said)}{others}."]


def _compared(swept: Swept) -> list[str]:
    """The mean, and the unlucky chip, of a few schemes where no measure fails."""
    j = swept.telling
    names = [swept.taken, swept.named(PAPER), swept.bare]
    chosen = list(dict.fromkeys(line.name for line in names if line is not None))
    lines = [line for name in chosen if (line := swept.named(name)) is not None]
    said = [f"{swept.scale.measured(line.means[j])} with {called(line.name)}" for line in lines]
    where = f"At {rate(swept.source.rates[j])} the mean {swept.scale.metric} is"
    out = [f"{where} {listed(said)}; without cells {swept.scale.said(swept.source.digital)}."]
    if swept.tail.k is not None:
        percent, side = swept.tail.share()
        stay = [f"{swept.scale.measured(line.unlucky[j])} with {called(line.name)}" for line in lines]
        out.append(f"There {percent:g}{NBSP}% of chips stay {side} {listed(stay)}.")
    elif swept.source.chips > 1:
        worst = [f"{swept.scale.said(line.worst[j])} with {called(line.name)}" for line in lines]
        out.append(f"There the {swept.extreme} of {swept.source.chips:,} chips has {listed(worst)}.")
    return out


def _clean(swept: Swept) -> list[str]:
    """Schemes that cost something without a stuck cell."""
    if not swept.scale.fraction:
        return []
    dear = [line for line in swept.lines if swept.loss(line.ideal) >= POINT]
    said = [f"{called(line.name)} {100 * swept.loss(line.ideal):.1f}{NBSP}points" for line in dear]
    return [f"Without a stuck cell already, these lose: {listed(said)}."] if said else []


def _which(swept: Swept) -> list[str]:
    """What to take and why, against no measure and the paper's scheme; what else there is."""
    taken, bare, paper = swept.taken, swept.bare, swept.named(PAPER)
    out = [f"Take {called(taken.name)}: {_why(swept)}."]
    against = [line for line in (bare, paper) if line is not None and line.order < taken.order and not line.beyond]
    gains = [f"{much} that with {called(line.name)}" for line in against if (much := times(swept.gain(taken, line)))]
    if gains:
        out.append(f"It stands a rate {listed(gains)}.")
    if paper is not None and paper is not taken and swept.named(BARE) is not None:
        much = times(swept.gain(paper, bare))
        if much:
            out.append(f"The paper’s scheme stands {much} the rate of no measure; published: {GAIN:g} times.")
    best = swept.mapless
    if best is not None:
        out.append(f"Where {_unless(taken)}, take {called(best.name)}: {tolerates(best.tolerated)}{_cells(best)}.")
    return out


def _why(swept: Swept) -> str:
    """``"no other scheme stands more, and of the 3 that stand as much it needs ..."``."""
    taken, level = swept.taken, swept.level
    needs = f"it takes {share(taken.overhead, 3)} more cells" if taken.overhead else "it takes no more cells"
    needs += ", and the stuck cells of every chip must be known" if taken.known_map else ""
    needs += ", and cells are read one by one" if taken.digital else ""
    needs += "" if taken.known_map or taken.digital else ", and nobody has to know which are stuck"
    if len(level) == 1:
        tied = any(line.beyond for line in swept.lines if line is not taken)
        last = f"it stands every rate measured, and leaves most at {rate(swept.source.rates[-1])}"
        most = last if tied else "it stands the highest rate"
        return f"{most}; {needs}"
    others = [called(line.name) for line in level if line is not taken]
    who = listed(others) if len(others) <= NAMED else f"{len(others)} others"
    alike = "is not told from it" if len(others) == 1 else "are not told from it"
    return f"{who} {alike} by these chips, and of these it is the cheapest: {needs}"


def _unless(taken: Line) -> str:
    """What the scheme to take needs that a chip may not have."""
    needs = ["nobody looks for the stuck cells of a chip"] * taken.known_map
    return " or ".join([*needs, *["cells are not read one by one"] * taken.digital])


def _cells(line: Line) -> str:
    return f", for {share(line.overhead, 3)} more cells" if line.overhead and not math.isnan(line.overhead) else ""
