"""Racetrack memory in words: how fast the network fails, which layers do it, what protection costs, what to protect."""

from __future__ import annotations

import math

from mho.reports.answer import POINT, Finding
from mho.reports.labels import listed
from mho.reports.racetrack.layers import Compared
from mho.reports.racetrack.lines import Line
from mho.reports.racetrack.phrases import NAMED, called, kept, layers, loss, nearest, of, price, start
from mho.reports.racetrack.view import Racetracks
from mho.reports.wording import NBSP, age_span, brief, capital, count, energy, share

LITTLE = 0.1  # of what the choice costs, a part that is worth a sentence of its own


def opening(view: Racetracks) -> str:
    """The answer in one sentence."""
    choice, bare = view.choice, view.bare
    if choice is not None and choice.layers:
        left = bare is not None and bare.layers == () and bare.age[-1] == choice.age[-1]
        rest = f"; unprotected, {view.scale.said(bare.last.value)} are left" if bare is not None and left else ""
        return f"Protecting {layers(view, choice)} keeps {kept(view, choice)}{price(choice)}{rest}."
    if choice is not None:
        return f"Nothing needs protection: {kept(view, choice)} are left without any."
    if view.protection is not None:
        best = nearest(view)
        return (
            f"No choice of layers keeps {view.scale.said(view.target)}; the best of {len(view.selections):,}, "
            f"{called(view, best)}, keeps {kept(view, best)}{price(best)}."
        )
    if bare is not None:
        behind = [s for s in view.selections if s.layers and s.age[-1] == bare.age[-1]]
        if not behind or bare.layers:
            return _falls(view, bare)
        best = min(behind, key=lambda s: (view.worse(s.last.value, 0.0), s.cycles))
        rest = f"with {layers(view, best)} protected, {view.scale.measured(best.last)} are left{price(best)}"
        return f"{_falls(view, bare)[:-1]}; {rest}."
    assert view.compared is not None
    return _most(view, view.compared)


def findings(view: Racetracks) -> list[Finding]:
    """One finding a question, as far as there is something to say."""
    said = [
        ("How fast it fails", fast(view) if view.lines else []),
        ("Which layers do it", which(view, view.compared) if view.compared is not None else []),
        ("What protection costs", costs(view)),
        ("What to protect", choices(view) if view.protection is not None else []),
    ]
    return [Finding(question, "", sentences) for question, sentences in said if sentences]


def fast(view: Racetracks) -> list[str]:
    """What is left after the last age, how long it goes almost without loss, and the unlucky chip."""
    bare, out = view.bare, []
    told = [bare] if view.protection is not None and bare is not None else view.lines[:NAMED]
    opened = view.protection is None  # it says what happens to the first of them
    for line in told:
        said = [] if opened and line is told[0] else [_falls(view, line)]
        if line.age[-1] > 0 and view.worse(line.last.value, start(view, line)) > 0:
            said += [*(_unlucky(view, line) if len(told) < 3 else []), *_easy(view, line)]
        out.append(" ".join(said))
    return [sentence for sentence in out if sentence]


def which(view: Racetracks, found: Compared) -> list[str]:
    """The layers that cost most when they alone age, and those that cost almost nothing."""
    known = [layer for layer in found.ranked if not math.isnan(layer.drop.value)]
    free = [layer for layer in known[1:] if view.scale.fraction and layer.drop.value < POINT]
    between = [layer for layer in known[1:] if layer not in free]
    out = [_most(view, found)] if view.lines else []
    if between:
        also = [f"{layer.name} {loss(view, layer)}" for layer in between[: NAMED - 1]]
        also += [f"{len(between) - len(also)} more layers less"] * (len(between) > len(also))
        out.append(f"Next, each by itself: {listed(also)}.")
    if free:
        names = [layer.name for layer in free]
        who = listed(names) if len(free) <= NAMED else of(free, known)
        out.append(f"Less than one{NBSP}point{' each' * (len(free) > 1)}: {who}.")
    return out


def costs(view: Racetracks) -> list[str]:
    """What protecting everything costs, the named choices between nothing and everything, and what that is."""
    full, behind = view.full, f" with {view.code}" if view.code else ""
    known = [s for s in view.selections if s.slot is not None and s.layers and s is not full]
    said = [f"{called(view, s)} {share(s.overhead, 3)}" for s in sorted(known, key=lambda s: s.overhead)][:NAMED]
    out = []
    if full is not None:
        more = f"adds {share(full.overhead, 3)} to the memory’s cycles"
        out.append(f"Protecting every layer{behind} {more} and keeps {view.scale.measured(full.last)}.")
    out += _dearest(view)
    if said:
        out.append(f"{'The others: ' if full is not None else f'More cycles{behind}: '}{listed(said)}.")
    if math.isfinite(view.base_cycles):
        takes = f"An inference without protection takes {count(view.base_cycles)} cycles of shifts and reads"
        base = view.overheads[0] if view.overheads else None
        if base is not None:
            takes += f", {brief(base.base_seconds)} and {energy(base.base_joules, NBSP)}"
        out.append(f"{takes}.")
    unknown = dict.fromkeys(code for o in view.overheads if o.extra_joules is None for code in o.codes)
    if unknown:
        out.append(f"What {listed([*unknown])} adds to the energy is unknown: nobody said what a check takes.")
    return out


def choices(view: Racetracks) -> list[str]:
    """The cheapest choice that meets the target, what part of everything it costs, and what less would keep."""
    choice, full = view.choice, view.full
    target = view.scale.said(view.target)
    if choice is None:
        best = nearest(view)
        return [f"{capital(called(view, best))} comes nearest to the target of {target}: {kept(view, best)}."]
    when = age_span(choice.age[-1], "inferences")
    if not choice.layers:
        return [f"Nothing: the target of {target} after {when} is met as it is."]
    name = f" ({choice.name})" if choice.named else ""
    every = f"{len(view.selections):,} choices"
    out = [f"Protect {layers(view, choice)}{name}: of {every}, the cheapest that keeps {target} after {when}."]
    if full is not None and full is not choice and math.isfinite(choice.share):
        out.append(f"It costs {_part(choice.share)} protecting every layer does.")
    cheaper = [s for s in view.selections if s.best and s.cycles < choice.cycles]
    if cheaper:
        less = max(cheaper, key=lambda s: s.cycles)
        what = f", {called(view, less)}," if less.layers else ", nothing,"
        out.append(f"The next cheaper choice{what} keeps {view.scale.measured(less.last)}{price(less)}.")
        little = [s for s in cheaper if s.layers and s.cycles < LITTLE * choice.cycles]
        if little and less not in little:
            most = max(little, key=lambda s: s.cycles)
            out.append(f"Protecting {layers(view, most)} keeps {view.scale.measured(most.last)}{price(most)}.")
    return out


def caveats(view: Racetracks) -> list[str]:
    """What these numbers do not say."""
    out, choice = [], view.choice
    if choice is not None and choice.layers:
        edge = choice.last.low if view.higher else choice.last.high
        if not math.isnan(edge) and view.worse(edge, view.target) > 0:
            out.append(f"The interval of {called(view, choice)} reaches beyond the target: other chips may miss it.")
        out.append("Choices are compared on the samples they are judged on: the best of many looks a little too good.")
    if view.compared is not None:
        out.append("Layers were aged one at a time; together they may cost more, or less, than the sum.")
        if any(layer.outside for layer in view.compared.layers):
            out.append("“At least”: there are more faults than were measured, so the true loss may be larger.")
        if any(layer.below for layer in view.compared.layers):
            out.append("“At most”: there are fewer faults than were measured, so the true loss may be smaller.")
    return out


def _part(fraction: float) -> str:
    """``"4.3 % of what"``; what only rounding makes everything is not called that."""
    said = share(fraction, 3)
    return f"{said} of what" if fraction >= 1 or said != share(1.0) else "almost as much as"


def _dearest(view: Racetracks) -> list[str]:
    """The layer that takes most of what protecting every layer costs, if it takes half or more."""
    if not view.overheads or len(view.every) < 2:
        return []
    prices = {layer.name: layer.full_cycles or 0.0 for layer in view.overheads[-1].layers}
    name = max(prices, key=lambda layer: prices[layer])
    part = prices[name] / (sum(prices.values()) or 1.0)
    return [f"Of what every layer costs, {name} alone takes {share(part, 3)}."] if part >= 0.5 else []


def _most(view: Racetracks, found: Compared) -> str:
    worst = found.ranked[0]
    if math.isnan(worst.drop.value):
        return "Nothing is known about any layer."
    when, where = age_span(found.inferences, "inferences"), f"on tracks of {found.bits} bits"
    alone = " costs most: aged alone," if len(found.layers) > 1 else " costs"
    return f"{worst.name}{alone} {loss(view, worst)} after {when} {where} at {found.rate:g} faults a shift."


def _falls(view: Racetracks, line: Line) -> str:
    """``"Unprotected, the accuracy falls from 97.8 % to 43.8 % [..] within 100 inferences."``."""
    said, first, last = view.scale.said, start(view, line), line.last
    metric = f"the {view.scale.metric}"
    if line.layers:
        who = f"With {layers(view, line)} protected, {metric}"
    elif line.layers == ():
        who = f"Unprotected, {metric}"
    else:
        who = f"{line.name}: {metric}" if len(view.lines) > 1 else capital(metric)
    if line.age[-1] == 0:
        return f"{who} is {view.scale.measured(last)} before the first inference."
    within = f"within {age_span(line.age[-1], 'inferences')}"
    if not view.worse(last.value, first) > 0:
        return f"{who} does not {'fall' if view.higher else 'rise'} {within}: it is {view.scale.measured(last)}."
    return f"{who} {'falls' if view.higher else 'rises'} from {said(first)} to {view.scale.measured(last)} {within}."


def _easy(view: Racetracks, line: Line) -> list[str]:
    """How long it goes almost without loss; of a metric that is no fraction nobody said what is little."""
    first, lasted = start(view, line), 0.0
    if not view.scale.fraction or math.isnan(first):
        return []
    for age, mean in zip(line.age, line.means, strict=True):
        if view.worse(mean.value, first) >= POINT:
            break
        lasted = age
    if lasted == line.age[-1]:
        return [f"It loses less than one{NBSP}point in all that time."]
    if lasted > 0:
        return [f"Up to {age_span(lasted, 'inferences')} it loses less than one{NBSP}point."]
    age, mean = next((age, mean) for age, mean in zip(line.age, line.means, strict=True) if age > 0)
    return [] if age == line.age[-1] else [f"After {age_span(age, 'inferences')} it has {view.scale.said(mean.value)}."]


def _unlucky(view: Racetracks, line: Line) -> list[str]:
    worst = f"the {view.extreme} of {line.chips:,}{' chips' * (not line.unlucky)} has {view.scale.said(line.worst[-1])}"
    if line.unlucky:
        percent, side = view.tail.share()
        return [f"Then {percent:g}{NBSP}% of chips stay {side} {view.scale.measured(line.unlucky[-1])}; {worst}."]
    return [f"After {age_span(line.age[-1], 'inferences')} {worst}."] if line.chips > 1 else []
