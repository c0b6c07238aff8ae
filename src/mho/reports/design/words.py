"""Designs in words: what to buy, what is claimed of it, what it costs, and why not less."""

from __future__ import annotations

import math

from mho.codesign import Candidate, Certificate
from mho.reports.answer import Finding
from mho.reports.design import phrases
from mho.reports.design.phrases import ALONG, cost, gain, measured, quoted, reached, several, statistic
from mho.reports.design.view import Entry
from mho.reports.labels import listed
from mho.reports.wording import NBSP, capital, share

NAMED = 4  # combinations, or measures, that a sentence lists


def opening(entry: Entry) -> str:
    """The answer in one sentence."""
    best, found, design = entry.choice.recommended, entry.choice.certificate, entry.design
    if best is not None and found is not None:
        what = f"Buy {quoted(design, best.chosen)}" if entry.choice.taken(best) else "Nothing has to be bought"
        values = [reached(design, t, entry.found(found, t)) for t in design.targets]
        return f"{what}: {listed(values)}, for {cost(entry.along, best.number(entry.along))}."
    nearest = entry.closest
    within = " within the budget" if design.budget else ""
    if nearest is None:
        return f"No combination of measures is possible{within}."
    asked = "the target" if len(design.targets) == 1 else "all targets"
    values = [reached(design, t, entry.value(nearest, t)) for t in design.targets]
    with_ = f"With {quoted(design, nearest.chosen)}" if entry.choice.taken(nearest) else "As it is"
    return (
        f"None of {several(len(entry.choice.candidates), 'combination')}{within} was shown to reach {asked}. "
        f"{with_}, what comes nearest, {listed(values)}, on data held out."
    )


def findings(entry: Entry, alone: bool) -> list[Finding]:
    """The claim, its price, why, what else it needs, and how it was found; ``alone``: the page's only design."""
    of = "" if alone else f", {entry.label}"
    said = [
        ("What is claimed", _claim(entry)),
        ("What it takes", _price(entry)),
        ("What each measure does", _why(entry)),
        ("What else has to be built or done", _periphery(entry)),
        ("How it was found", _search(entry)),
    ]
    return [Finding(f"{question}{of}", "", sentences) for question, sentences in said if sentences]


def caveats(entry: Entry) -> list[str]:
    """What these numbers do not say."""
    out = []
    if entry.possible:
        out.append(
            "Values of the front chose the combination, on data held out from training: the best of many looks a "
            "little too good. The claim is the certificate alone, on other chips and on the test data."
        )
    if any(c.costs is not None and c.costs.periphery for c in entry.possible):
        out.append("Of the area and the energy of what has to be built beside the cells nothing is known here.")
    if "training_seconds" in entry.costs:
        out.append("The time of training is that of the machine that trained.")
    if phrases.live(entry.design.data):
        out.append("The data were given in memory: their name in the YAML says nothing to another process.")
    return out


def _claim(entry: Entry) -> list[str]:
    out = [_tried(entry, found) for found in entry.choice.certificates]
    best = entry.choice.certificate
    if best is not None and math.isfinite(best.digital):
        scale = phrases.scale_of(entry.design, entry.design.targets[0])
        if entry.design.targets[0].statistic != "yield":
            out.append(f"Without cells, the same network has {scale.said(best.digital)} there.")
    if best is None and not out and entry.closest is not None:
        out.append("Nothing was tried on the test data: no combination looked good enough on data held out.")
    return out


def _tried(entry: Entry, found: Certificate) -> str:
    design = entry.design
    taken = phrases.bought(design, found.chosen)
    who = quoted(design, found.chosen) if taken else "the network as it is"
    values = [f"{statistic(design, t)} {measured(design, t, entry.found(found, t))}" for t in design.targets]
    reach = "reach" if len(taken) > 1 else "reaches"
    verb = reach if found.met else f"{'do' if len(taken) > 1 else 'does'} not surely reach"
    what = "the target" if len(values) == 1 else "all targets"
    confidence = f"with {100 * design.confidence:g}{NBSP}% confidence"
    where = f"on {found.chips:,} fresh chips (seed{NBSP}{found.seed}), each on up to {found.images:,} test samples"
    return f"{capital(who)} {verb} {what}{f' {confidence}' * found.met}: {listed(values)} {where}."


def _price(entry: Entry) -> list[str]:
    best, design = entry.choice.recommended, entry.design
    if best is None or best.costs is None:
        return []
    out = [f"{capital(phrases.costs(best.costs))}."]
    if not entry.choice.taken(best):
        return out
    single, along = entry.choice.alone, entry.along
    if len(entry.choice.taken(best)) == 1:
        out.append("That is a single measure; with others it would take more.")
    elif single is None:
        out.append("No single measure reaches the target alone, as far as it was looked at.")
    else:
        out += _compared(entry, best, single, along)
    nothing = _nothing(entry)
    if nothing is not None and nothing.number(along) > 0 and best.number(along) > nothing.number(along):
        times = best.number(along) / nothing.number(along)
        out.append(f"As it is, the network takes {cost(along, nothing.number(along))}: this is {times:.3g} times that.")
    return [*out, *_budget(entry, best)] if design.budget else out


def _compared(entry: Entry, best: Candidate, single: Candidate, along: str) -> list[str]:
    """The combination beside the cheapest single measure that looked good enough."""
    name = quoted(entry.design, single.chosen) if entry.choice.taken(single) else "nothing at all"
    ours, theirs = best.number(along), single.number(along)
    tried = next((c for c in entry.choice.certificates if c.chosen == single.chosen), None)
    if tried is not None and not tried.met:
        return [f"{capital(name)} alone looked good enough on data held out; on the test data that did not hold."]
    if not (math.isfinite(ours) and math.isfinite(theirs) and theirs > 0):
        return [f"The cheapest single measure that reaches the target is {name}."]
    what = f"The cheapest single measure that reaches the target is {name}, with {cost(along, theirs)}"
    if ours == theirs:
        return [f"{what}, as many as this; the combination takes less of something else, or reaches more."]
    less = f", {theirs / ours:.2g} times less" if ours < theirs and ours > 0 else ""
    return [f"{what}: the combination takes {share(ours / theirs, 3)} of that{less}."]


def _budget(entry: Entry, best: Candidate) -> list[str]:
    parts = []
    for kind, most in entry.design.budget.items():
        used = best.number(kind) / float(most) if most else math.nan
        said = "" if math.isnan(used) else f" ({share(used, 3)} of it used)"
        parts.append(f"{ALONG[kind]} at most {phrases.figure(kind, float(most))}{said}")
    return [f"Within the budget: {listed(parts)}."]


def _why(entry: Entry) -> list[str]:
    found, design = entry.choice.why, entry.design
    if found is None or len(found.parts) < 2:
        return []
    target, nothing, whole = design.targets[0], found.parts[0], found.parts[-1]
    if nothing.refused or whole.refused:
        return ["Not every part of the combination is possible by itself, so that nothing can be shared out."]
    name = statistic(design, target)
    start, end = (measured(design, target, entry.value(p, target)) for p in (nothing, whole))
    out = [f"Without any measure, the {name} is {start}; with {phrases.both(found.measures)}, {end}."]
    if len(found.measures) == 1:
        return [out[0].replace(f"; with {found.measures[0]}, ", f"; with {quoted(design, whole.chosen)}, ")]
    ranked = sorted(found.shares.items(), key=lambda item: -item[1].shapley)
    for path, one in ranked[:NAMED]:
        alone, last, mean = (gain(design, target, v).lstrip("+") for v in (one.alone, one.last, one.shapley))
        label = phrases.option(design, path, whole.chosen[path])
        out.append(f"“{label}” adds {alone} alone and {last} as the last one; its share is {mean}.")
    return out


def _periphery(entry: Entry) -> list[str]:
    point = entry.closest
    if point is None or point.costs is None or not point.costs.periphery:
        return []
    return [f"{capital('; '.join(point.costs.periphery))}."]


def _search(entry: Entry) -> list[str]:
    design, choice = entry.design, entry.choice
    looked, closely = len(choice.candidates), sum(c.stage == "refined" for c in entry.possible)
    of = "" if math.isinf(design.size) or looked >= design.size else f" of {design.size:,}"
    near = f"; {closely:,} near the target more closely" if closely else ""
    out = [
        f"{capital(several(looked, 'combination'))}{of} {'were' if looked != 1 else 'was'} looked at on "
        f"{phrases.data(design.held_out)}, with the same chips for all{near}."
    ]
    if entry.refused:
        n = len(entry.refused)
        out.append(f"{n:,} {'are' if n > 1 else 'is'} not possible, such as {_refused(entry)}.")
    beyond = len(entry.possible) - len(entry.affordable)
    if beyond:
        out.append(f"{beyond:,} {'are' if beyond > 1 else 'is'} beyond the budget.")
    return out


def _refused(entry: Entry) -> str:
    first = entry.refused[0]
    return f"{quoted(entry.design, first.chosen)}: {first.refused.rstrip('.')}"


def _nothing(entry: Entry) -> Candidate | None:
    return next((c for c in entry.possible if c.chosen == entry.design.nothing), None)
