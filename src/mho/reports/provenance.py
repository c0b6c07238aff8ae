"""What the results were measured with, on, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mho.reports.summary import Entry, Summary
from mho.reports.tables import Cell, Table


def provenance(summary: Summary) -> list[Table]:
    """One column a result; of many results what they share, and below it one row a result with what differs."""
    facts = {entry.label: _facts(summary, entry) for entry in summary.entries}
    names = list(dict.fromkeys(name for own in facts.values() for name in own))
    if not summary.many:
        rows = [[Cell(name), *(Cell(own.get(name, "")) for own in facts.values())] for name in names]
        return [Table(["", *facts], rows, left=1 + len(facts))]
    differ = [name for name in names if len({own.get(name, "") for own in facts.values()}) > 1]
    first = next(iter(facts.values()))
    shared = [[Cell(name), Cell(first[name])] for name in names if name not in differ]
    tables = [Table(["", "all results"], shared, left=2)]
    if differ:
        rows = [[Cell(label), *(Cell(own.get(name, "")) for name in differ)] for label, own in facts.items()]
        tables.append(Table(["", *differ], rows, left=1 + len(differ)))
    return tables


def _facts(summary: Summary, entry: Entry) -> dict[str, str]:
    result, scale = entry.result, summary.scale
    adaptive = getattr(result, "images_per_chip", None) is not None
    out = {
        "metric": result.metric,
        "digital network": scale.said(result.digital, 2),
        "noiseless cells": scale.said(result.ideal, 2),
        "chips at every point": ("up to " if adaptive else "")
        + f"{result.chips:,}"
        + (f" from {result.first_chip:,}" if result.first_chip else ""),
        **({"test set": result.data} if result.data else {}),
        "test samples a chip": ("up to " if adaptive else "") + f"{result.images:,}",
        "seed": str(result.seed),
        "confidence of intervals": f"{100 * result.confidence:g} %",
    }
    return out | flat(result.provenance)


def flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested names joined by dots, values as text; a name that ends in ``_s`` is a time in seconds."""
    out: dict[str, str] = {}
    for key, value in data.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            out |= flat(value, f"{name}.")
        elif isinstance(value, float):
            out[name.removesuffix("_s")] = f"{value:.4g} s" if name.endswith("_s") else f"{value:.6g}"
        elif isinstance(value, list | tuple):
            out[name] = ", ".join(map(str, value))
        else:
            out[name] = str(value)
    return out
