"""Parts of sentences about stuck cells, which words, tables and figures share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mho.reports.faults.curves import BARE, Swept, memory_of
from mho.reports.wording import NBSP, ordinal, share

if TYPE_CHECKING:
    from mho.evaluation.faults import FaultCurves, FaultSensitivity, Tolerance
    from mho.evaluation.statistics import Interval

NAMED = 6  # schemes, layers or tensors that a sentence lists


def called(name: str) -> str:
    """The name of a scheme in a sentence; in quotes, since names are ordinary words."""
    return "no measure" if name == BARE else f"“{name}”"


def headed(name: str) -> str:
    """The same in a legend."""
    return "no measure" if name == BARE else name


def rate(value: float) -> str:
    """``"0.05 %"``."""
    return share(value, 3)


def tolerates(found: Tolerance) -> str:
    """``"0.125 % [0.110, 0.140]"``, ``"at least 0.2 %"``, ``"less than 0.01 %"``."""
    if math.isnan(found.value):
        return "nobody knows how much"
    bound = {"≥": "at least ", "≤": "less than "}.get(found.sign, "")
    return f"{bound}{rate(found.value)}{'' if bound else limits(found, 100.0)}"


def times(found: Tolerance) -> str:
    """``"3.1 [2.8, 3.4] times"``, ``"at least 4 times"``; empty where nothing is known."""
    if math.isnan(found.value):
        return ""
    bound = {"≥": "at least ", "≤": "at most "}.get(found.sign, "")
    return f"{bound}{found.value:.2g}{'' if bound else limits(found, 1.0)} times"


def limits(found: Tolerance, factor: float) -> str:
    """``" [0.110, 0.140]"``; a limit that the rates measured do not set is a dash; empty without any."""
    low, high = (_short(factor * v) if 0 < v < math.inf else "–" for v in (found.low, found.high))
    return "" if low == high == "–" else f" [{low},{NBSP}{high}]"


def drop(swept: Swept) -> str:
    """``"10 points"``; of a metric that is no fraction the number itself."""
    return f"{100 * swept.drop:g}{NBSP}points" if swept.scale.fraction else f"{swept.drop:.3g}"


def lost(found: Interval, fraction: bool) -> str:
    """``"5.1 points [4.2, 6.0]"``: how much worse a mean is."""
    factor, digits = (100, ".1f") if fraction else (1, ".3g")
    low, high = (signed(factor * v, digits) for v in found[1:])
    bounds = "" if math.isnan(found.low) else f" [{low},{NBSP}{high}]"
    shown = signed(factor * found.value, digits)
    unit = f"{NBSP}point{'s' * (shown != '1.0')}" if fraction else ""
    return f"{shown}{unit}{bounds}"


def signed(value: float, digits: str) -> str:
    """``"−1.2"``; nothing is less than nothing."""
    shown = f"{value:{digits}}"
    return shown.replace("-", "−") if float(shown) else shown.replace("-", "")


def percentile(swept: Swept) -> str:
    """``"5th percentile"``; empty where chips are too few."""
    return "" if swept.tail.k is None else f"{ordinal(swept.tail.k)} percentile"


def part(source: FaultSensitivity, name: str) -> str:
    """A layer by its name; the highest and the lowest plane with their significance."""
    if source.of == "layer" or len(source.names) < 2:
        return name
    ordered = sorted(source.names, key=lambda n: int(n.rpartition(" ")[2]))
    said = {ordered[0]: " (least significant)", ordered[-1]: " (most significant)"}
    return f"{name}{said.get(name, '')}"


def meaning(source: FaultCurves, name: str) -> str:
    """What a scheme is: ``"all planes flipped, a scale a column, vote of 3"``; empty of name rules."""
    memory: Any = memory_of(source, source.schemes.index(name))
    if memory is None:
        return ""
    mapping, out = memory.mapping, []
    flip = getattr(mapping, "flip", "none")
    out += {"msb": ["top plane flipped"], "all": ["all planes flipped"], "auto": ["empty planes flipped"]}.get(flip, [])
    out += ["a scale a column"] * (getattr(mapping, "granularity", "tensor") == "channel")
    clip = getattr(mapping, "clip", None)
    out += [] if clip is None else [f"weights clipped at {clip:g} sigma"]
    out += ["only the top plane fails"] * (getattr(mapping, "faulty", "all") == "msb")
    out += [memory.redundancy.label] if memory.redundancy is not None else []
    return ", ".join(out) or "as it is"


def yaml(source: FaultCurves, name: str) -> str:
    """The memory of a scheme as YAML."""
    from mho.spec import yaml_of

    return yaml_of(source.memories[source.schemes.index(name)])


def _short(value: float) -> str:
    return f"{value:.3g}"
