"""Curves of stuck cells, and what single layers and planes do, as tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mho.evaluation.faults.published import beside
from mho.text import table
from mho.units import percent, significant

if TYPE_CHECKING:
    from mho.evaluation.faults.curves import FaultCurves
    from mho.evaluation.faults.sensitivity import FaultSensitivity
    from mho.evaluation.faults.tolerance import Tolerance
    from mho.evaluation.statistics import Interval

DROP = 0.1
"""Of the metric, in the table of tolerated rates; of a metric that is no fraction, of its digital value."""


def curves(found: FaultCurves) -> str:
    """A table of the metric, one of what every scheme tolerates and takes, and what was published beside."""
    show = percent if found.bounded else significant
    title = (
        f"{found.label}: {found.metric}{' in %' if found.bounded else ''} over the rate of stuck cells, "
        f"{found.chips} chips x {found.images:,} samples of {found.data}, seed {found.seed}; "
        f"digital {show(found.digital)}"
        + f" ({', '.join(found.kept)} stay{'s' * (len(found.kept) == 1)} digital)" * bool(found.kept)
        + f"; [{100 * found.confidence:g} % intervals over chips]"
    )
    heads = [spell_rate(rate) for rate in found.rates]
    rows = []
    for scheme in found.schemes:
        means = found.mean(scheme)
        rows.append([scheme, "mean", *(_about(m, show) for m in means)])
        rows.append(["", "sd", *(show(s) for s in found.std(scheme))])
        for k in found.percentiles:
            rows.append(["", f"p{k:g}", *(show(p.value) for p in found.percentile(scheme, k))])
    tables = [
        table(["scheme", "", *heads], rows, left=2, title=title),
        _summary(found, show),
    ]
    printed = beside(found.schemes, found.rates) if "mrpc" in found.data.lower() else []
    if printed:
        said = "Printed in [li2024zerospace], BERT-base on MRPC, mean in % (a model of theirs; nothing is fitted to it)"
        tables.append(table(["scheme", *heads], printed, title=said))
    return "\n\n".join(tables)


def _summary(found: FaultCurves, show: Callable[[float], str]) -> str:
    drop = drop_of(found)
    first, rows = found.schemes[0], []
    for i, scheme in enumerate(found.schemes):
        times = tolerated(found.gain(scheme, first, drop), "{:.3g}") if i else "1"
        rows.append(
            [
                scheme,
                _what(scheme, found.memories[i]),
                show(found.ideal[i]),
                tolerated(found.tolerated(scheme, drop)),
                times,
                f"{found.cells[i]:,}",
                percent(found.overhead[i]),
                ", ".join(needed(found.known_map[i], found.digital_read[i])) or "–",
            ]
        )
    said = f"{100 * drop:g} points" if found.bounded else significant(drop)
    title = (
        f"Highest rate with a mean at most {said} worse than digital (log-interpolated, bootstrap over chips; ≥, ≤: "
        "beyond the rates measured)"
    )
    taken = ["no faults", "tolerated rate", f"times {first}", "cells", "extra cells %", "needs"]
    return table(["scheme", "what it is", *taken], rows, left=2, title=title)


def needed(known_map: bool, digital_read: bool) -> list[str]:
    """What a scheme needs besides cells."""
    return ["known map of faults"] * known_map + ["cells read one by one"] * digital_read


def _what(scheme: str, memory: dict[str, Any]) -> str:
    """What a scheme is, where it is one of ours and not one of the user's that is called the same."""
    from mho.memory.redundancy.schemes import SCHEMES, TITLES

    ours = scheme in SCHEMES and SCHEMES[scheme].to_dict() == memory
    return TITLES.get(scheme, "") if ours else ""


def drop_of(found: FaultCurves) -> float:
    """The drop that tables look for."""
    if found.accepted is not None:
        return found.accepted
    return DROP if found.bounded or not abs(found.digital) > 0 else DROP * abs(found.digital)


def sensitivity(found: FaultSensitivity) -> str:
    """The drop of every layer or plane at every rate, the worst one at the highest rate first."""
    show = percent if found.bounded else significant
    heads = [spell_rate(rate) for rate in found.rates]
    rows = [
        [
            name,
            f"{found.cells[found.names.index(name)]:,}",
            *(_interval(found.drop(name, r), show) for r in found.rates),
        ]
        for name in found.ranking()
    ]
    rows.append(["all", f"{sum(found.cells):,}", *(_interval(found.drop("all", r), show) for r in found.rates)])
    title = (
        f"{found.label}: drop of {found.metric}{' in points' if found.bounded else ''} with stuck cells in one "
        f"{found.of} only, {found.chips} chips x {found.images:,} samples of {found.data}, seed {found.seed}; without "
        f"faults {show(found.baseline)}; [{100 * found.confidence:g} % intervals over chips]"
    )
    return table([found.of, "cells", *heads], rows, title=title)


def spell_rate(rate: float) -> str:
    """``"0.05%"`` for 5e-4."""
    return f"{100 * rate:.4g}%"


def tolerated(found: Tolerance, spell: str = "") -> str:
    """``"0.125% [0.11%, 0.14%]"``; limits that the rates measured do not set are left open."""

    def one(value: float) -> str:
        if math.isnan(value) or math.isinf(value):
            return "–"
        return spell.format(value) if spell else f"{100 * value:.3g}%"

    if found.sign == "?" and not found.low > 0 and math.isinf(found.high):
        return "–"
    return f"{found.sign if found.sign != '?' else ''}{one(found.value)} [{one(found.low)}, {one(found.high)}]"


def _about(interval: Interval, show: Callable[[float], str]) -> str:
    half = interval.half_width
    return show(interval.value) + ("" if math.isnan(half) else f" ±{show(half)}")


def _interval(interval: Interval, show: Callable[[float], str]) -> str:
    value, low, high = (round(x, 12) + 0.0 for x in interval)  # no -0.00 where sums of nothing are rounded
    return f"{show(value)} [{show(low)}, {show(high)}]"
