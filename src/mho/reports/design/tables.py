"""Designs as tables: every combination, those that are not possible, the parts, the shares, and the facts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mho.codesign import Candidate
from mho.reports.design.phrases import (
    ALONG,
    HEADERS,
    asked,
    brief,
    data,
    figure,
    gain,
    named,
    option,
    scale_of,
    statistic,
)
from mho.reports.design.view import Entry
from mho.reports.provenance import flat
from mho.reports.tables import Cell, Table, interval

ROWS = 400
"""Combinations that the page lists; of more, the front and those that come nearest to the targets."""


def shown(entry: Entry) -> list[Candidate]:
    """The combinations of the table, the cheapest first."""
    if len(entry.possible) <= ROWS:
        return [*entry.possible]
    ranked = sorted(entry.possible, key=lambda c: (c.chosen not in entry.front, -c.margin))
    kept = {c.chosen for c in ranked[:ROWS]}
    return [c for c in entry.possible if c.chosen in kept]


def candidates(entry: Entry) -> Table:
    """Every combination that is possible, a row each."""
    design, best = entry.design, entry.choice.recommended
    header = [*entry.axes().values(), *(_target(entry, i) for i in range(len(design.targets)))]
    header += [f"margin{', points' * _points(entry)}", *(HEADERS[k] for k in entry.costs)]
    header += ["looked at", "on the front", "take"]
    rows = []
    for c in shown(entry):
        row = [Cell(c.chosen[path]) for path in design.measures]
        row += _values(entry, c)
        row.append(Cell(_margin(entry, c.margin), order=c.margin))
        row += [Cell(figure(k, c.number(k)), order=c.number(k)) for k in entry.costs]
        front, taken = c.chosen in entry.front, best is not None and c.chosen == best.chosen
        row.append(Cell("closely" if c.stage == "refined" else "briefly", order=float(c.stage == "refined")))
        row += [_flag(front), _flag(taken)]
        rows.append(row)
    places = tuple(entry.places[c.chosen] for c in shown(entry))
    return Table(header, rows, left=len(design.measures), series=places)


def filters(entry: Entry) -> dict[str, Sequence[str]]:
    """Columns of :func:`candidates` that a reader may choose from, and what is in them."""
    names = entry.axes()
    return {names[path]: options for path, options in entry.options.items()}


def refused(entry: Entry) -> Table:
    """Combinations that are not possible, and why."""
    header = [*entry.axes().values(), "why it is not possible"]
    listed = sorted(entry.refused, key=lambda c: c.refused)
    rows = [[*(Cell(c.chosen[path]) for path in entry.design.measures), Cell(c.refused)] for c in listed]
    return Table(header, rows, left=len(header))


def parts(entry: Entry) -> Table:
    """Every choice among the measures of the recommended combination."""
    found = entry.choice.why
    assert found is not None
    costs = [k for k in entry.costs if len({p.number(k) for p in found.parts}) > 1]
    header = ["bought", *(_target(entry, i) for i in range(len(entry.design.targets)))]
    header += [f"margin{', points' * _points(entry)}", *(HEADERS[k] for k in costs)]
    rows = []
    for part in found.parts:
        if part.refused:
            rows.append([Cell(named(entry.design, part.chosen)), *[Cell("not possible")] * (len(header) - 1)])
            continue
        row = [Cell(named(entry.design, part.chosen)), *_values(entry, part)]
        row += [Cell(_margin(entry, part.margin), order=part.margin)]
        rows.append([*row, *(Cell(figure(k, part.number(k)), order=part.number(k)) for k in costs)])
    return Table(header, rows, left=1)


def shares(entry: Entry) -> Table:
    """What each measure adds: alone, as the last one, and on average."""
    found, target = entry.choice.why, entry.design.targets[0]
    assert found is not None
    whole = found.parts[-1].chosen
    rows = []
    for path, share in found.shares.items():
        numbers = [Cell(gain(entry.design, target, v), order=v) for v in (share.alone, share.last, share.shapley)]
        rows.append([Cell(option(entry.design, path, whole[path])), *numbers])
    return Table(["measure", "alone", "as the last one", "share"], rows, left=1)


def facts(entries: Sequence[Entry]) -> Table:
    """What every design asked, and what it was answered with; a column each."""
    columns = {entry.label: _facts(entry) for entry in entries}
    names = dict.fromkeys(name for own in columns.values() for name, value in own.items() if value)
    rows = [[Cell(name), *(Cell(own.get(name, "")) for own in columns.values())] for name in names]
    return Table(["design", *columns], rows, left=1 + len(columns))


def _facts(entry: Entry) -> dict[str, str]:
    design = entry.design
    size = "without end" if math.isinf(design.size) else f"{design.size:,}"
    said = {k: v for k, v in entry.choice.provenance.items() if k not in ("seconds", "screened", "refined")}
    seconds = entry.choice.provenance.get("seconds")
    return {
        "asked": "; ".join(f"{statistic(design, t)} {asked(design, t)}" for t in design.targets),
        "to be least, the first first": ", ".join(ALONG[k] for k in design.minimise),
        "budget": "; ".join(f"{ALONG[k]} at most {figure(k, float(v))}" for k, v in design.budget.items()),
        "sigma": "the devices’ own" if design.sigma is None else f"{design.sigma:g}",
        "searched on": data(design.held_out),
        "certified on": data(design.data),
        "combinations there are": size,
        "looked at": f"{len(entry.choice.candidates):,}",
        "looked at closely": f"{sum(c.stage == 'refined' for c in entry.possible):,}",
        "not possible": f"{len(entry.refused):,}",
        "confidence of the claim": f"{100 * design.confidence:g} %",
        "chips of a first look": f"{design.glance:,}",
        "half-width wanted of a close one": f"{design.precision:g}",
        "most chips": f"{design.chips:,}",
        "seed of the search": f"{design.seed}",
        "seed of the certificates": f"{design.seed + 1}",
        "wall time": "" if seconds is None else f"{seconds:.4g} s",
    } | flat(said)


def _target(entry: Entry, i: int) -> str:
    target = entry.design.targets[i]
    unit = ", %" if scale_of(entry.design, target).fraction else ""
    return f"{brief(entry.design, target)}{unit}"


def _values(entry: Entry, candidate: Candidate) -> list[Cell]:
    out = []
    for target in entry.design.targets:
        found, scale = entry.value(candidate, target), scale_of(entry.design, target)
        worst = target.statistic == "worst"
        out.append(Cell(scale.text(found.value), order=found.value) if worst else interval(found, scale))
    return out


def _points(entry: Entry) -> bool:
    return all(scale_of(entry.design, t).fraction for t in entry.design.targets)


def _margin(entry: Entry, margin: float) -> str:
    if math.isnan(margin):
        return "–"
    shown = f"{100 * margin:+.2f}" if _points(entry) else f"{margin:+.3g}"
    return shown.replace("-", "−") if float(shown) else shown.lstrip("+-")


def _flag(on: bool) -> Cell:
    return Cell("•" if on else "", order=float(on))
