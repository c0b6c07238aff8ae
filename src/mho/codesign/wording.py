"""A choice in words and tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mho.codesign.candidate import Certificate
from mho.codesign.certify import TRIES
from mho.codesign.costs import COSTS, Costs
from mho.codesign.design import Design
from mho.codesign.front import affordable, hope, price
from mho.codesign.measures import taken
from mho.codesign.targets import Target
from mho.evaluation.metrics import METRICS
from mho.evaluation.statistics import Interval
from mho.text import table
from mho.units import format_duration, percent, significant

if TYPE_CHECKING:
    from mho.codesign.choice import Choice

NOTHING = "nothing"
SHOWN = 12
"""Lines of the front that are printed."""


def name(design: Design, chosen: Mapping[str, str]) -> str:
    """What a combination buys."""
    return ", ".join(chosen[path] for path in design.measures if path in _taken(design, chosen)) or NOTHING


def told(choice: Choice) -> str:
    """All of it, for a terminal."""
    parts = [headline(choice), "\n".join(_tried(choice, c) for c in choice.certificates), _front(choice)]
    if choice.why is not None and len(choice.why.parts) > 1:
        parts.append(_why(choice))
    refused = [c for c in choice.candidates if c.refused]
    if refused:
        which = f"{name(choice.design, refused[0].chosen)}: {refused[0].refused}"
        parts.append(f"{len(refused)} of {len(choice.candidates)} combinations are not possible, such as {which}")
    return "\n\n".join(part for part in parts if part)


def headline(choice: Choice) -> str:
    """The answer in a few lines."""
    design, found = choice.design, choice.recommended
    asked = " and ".join(t.label(design.clock) for t in design.targets)
    severe = "" if design.sigma is None else f" at sigma {design.sigma:g}"
    title = f"{choice.label}: {asked}{severe}"
    if found is None:
        return "\n".join([title, *_unmet(choice)])
    costs = found.costs
    assert costs is not None
    lines = [title, f"take: {choice.name(found)}", f"costs: {spent(costs)}"]
    lines += [f"needs: {'; '.join(costs.periphery)}"] if costs.periphery else []
    other = choice.alone
    if len(choice.taken(found)) > 1:
        if other is None or other.costs is None:
            lines.append("no single measure reaches it on held-out data")
        else:
            failed = other.chosen in {c.chosen for c in choice.certificates if not c.met}
            single = f"{choice.name(other)}, {spent(other.costs)}" + (" (but not on test data)" if failed else "")
            lines.append(f"the cheapest single measure that reaches it on held-out data: {single}")
    return "\n".join(lines)


def _unmet(choice: Choice) -> list[str]:
    """Why nothing is recommended."""
    design, nearest = choice.design, choice.closest
    assert nearest.costs is not None
    where = f"{choice.name(nearest)}, {reached(design, nearest.values)} on held-out data"
    if not affordable(design, [nearest]):
        over = ", ".join(f"{n} <= {most:g}" for n, most in design.budget.items())
        return [f"no combination keeps within the budget ({over}); nearest: {where}, costs: {spent(nearest.costs)}"]
    limit = " within the budget" if design.budget else ""
    tried = f" in {TRIES} tries" if len(choice.certificates) == TRIES else ""
    why = "; one that has it on held-out data may not on test data" if choice.certificates else ""
    return [f"no combination was shown to reach that{limit}{tried}{why}; nearest: {where}"]


def spent(costs: Costs) -> str:
    """Costs in words."""
    said = [f"{costs.write_cycles:,.0f} write cycles a chip"]
    said += [] if costs.write_seconds is None else [f"{format_duration(costs.write_seconds)} of writing"]
    said += [] if costs.write_joules is None else [f"{costs.write_joules:.3g} J of writing"]
    said += [f"{costs.cells:,} cells", f"{format_duration(costs.training_seconds)} of training"]
    return ", ".join(said + ([f"{costs.latency:.3g}x latency"] if costs.latency != 1 else []))


def figure(kind: str, value: float) -> str:
    """One cost as a table has it."""
    if not math.isfinite(value):
        return "–"
    if kind in ("write_seconds", "training_seconds"):
        return format_duration(value)
    if kind == "latency":
        return f"{value:.3g}x"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def reached(design: Design, values: Mapping[str, Interval]) -> str:
    """Statistics with their intervals."""
    return ", ".join(f"{t.name} {spell(design, t, values[t.label(design.clock)])}" for t in design.targets)


def spell(design: Design, target: Target, found: Interval, unbounded: bool = False) -> str:
    """A statistic with its interval, without one where it is found and not sampled; in brackets what bounds no chip."""
    fraction = METRICS[design.metric].bounded or target.statistic == "yield"
    show = percent if fraction else significant
    unit = " %" if fraction else ""
    if target.statistic == "worst":
        return f"({show(found.value)}{unit})" if unbounded else f"{show(found.value)}{unit}"
    return f"{show(found.value)}{unit} [{show(found.low)}, {show(found.high)}]"


def _tried(choice: Choice, found: Certificate) -> str:
    design = choice.design
    what = f"{choice.name(found)}: {reached(design, found.values)}"
    searched = {t.statistic == "worst" for t in design.targets}
    proof = [f"{100 * found.confidence:.4g} % intervals"] if False in searched else []
    proof += ["worst cases are searched: nothing worse was found"] if True in searched else []
    samples = f"{found.images:,} test samples"
    fresh = f"{found.chips:,} fresh chips (seed {found.seed}) x up to {samples}"
    where = fresh if False in searched else samples
    verdict = "holds" if found.met else "does not hold for sure"
    return f"on {where}: {what}: {verdict} ({'; '.join(proof)})"


def _front(choice: Choice) -> str:
    design = choice.design
    costs = [c for c in COSTS if c in design.minimise or c in design.budget]
    # Costs that are the same everywhere tell nothing.
    costs = [c for c in costs if len({x.number(c) for x in choice.candidates if not x.refused}) > 1]
    listed = [c for c in choice.front if c.best >= -hope(design)] or list(choice.front)
    if len(listed) > SHOWN:
        step = (len(listed) - 1) / (SHOWN - 1)
        listed = [listed[round(i * step)] for i in range(SHOWN)]
    if choice.recommended is not None and choice.recommended.chosen not in {c.chosen for c in listed}:
        listed = sorted([*listed, choice.recommended], key=lambda c: price(design, c))
    header = ["", *(t.label(design.clock) for t in design.targets), *(COSTS[c] for c in costs)]
    best = choice.recommended
    rows = []
    for c in listed:
        mark = " *" if best is not None and c.chosen == best.chosen else ""
        shown = [
            spell(design, t, c.values[text], text in c.unbounded)
            for t, text in ((t, t.label(design.clock)) for t in design.targets)
        ]
        rows.append([f"{choice.name(c)}{mark}", *shown, *(figure(k, c.number(k)) for k in costs)])
    shown_of_front = {c.chosen for c in listed} & {c.chosen for c in choice.front}
    far = len(choice.front) - len(shown_of_front)
    title = f"the front, on held-out data: {len(choice.candidates)} combinations" + (
        f", {far} more on it that are far from the target or between these" if far else ""
    )
    shown_table = table(header, rows, left=1, title=title)
    if any(c.unbounded for c in listed):
        shown_table += "\n(in brackets: chips of which not every cell is verified to within the bound may be worse)"
    return shown_table


def _why(choice: Choice) -> str:
    why, design = choice.why, choice.design
    assert why is not None
    whole = why.parts[-1].chosen
    target = design.targets[0]
    costs = [c for c in COSTS if c in design.minimise and len({p.number(c) for p in why.parts}) > 1]
    rows = []
    for part in why.parts:
        shown = spell(design, target, part.values[why.target]) if not part.refused else "not possible"
        rows.append([name(design, part.chosen), shown, *(figure(c, part.number(c)) for c in costs)])
    out = [table(["bought", why.target, *(COSTS[c] for c in costs)], rows, left=1, title="why, on held-out data")]
    fraction = METRICS[design.metric].bounded or target.statistic == "yield"
    for axis, share in why.shares.items() if len(why.measures) > 1 else ():
        alone, last, mean = (
            f"{100 * v:+.1f} points" if fraction else f"{v:+.3g}" for v in (share.alone, share.last, share.shapley)
        )
        out.append(f"{whole[axis]}: alone {alone}, as the last one {last}, its share {mean}")
    return "\n".join(out)


def _taken(design: Design, chosen: Mapping[str, str]) -> tuple[str, ...]:
    from mho.frozen import FrozenDict

    return taken(design.measures, FrozenDict(dict(chosen)))
