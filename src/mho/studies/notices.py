"""What a reader of a study's numbers should know about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MIXED = ("mho", "torch", "device")
"""What should be the same for all numbers of one table; a different torch or processor may round differently."""


def mixed(results: Mapping[str, Any]) -> list[str]:
    """Where numbers of one table were computed in different ways."""
    out = []
    for key in MIXED:
        if len(parts := _parts(results, key)) > 1:
            out.append(f"The table mixes {key} {' and '.join(parts)}.")
    if len(_parts(results, "sampling")) > 1:
        out.append(
            "Some chips are sampled cell by cell, others as one Gaussian per weight: chip 7 of one is not chip 7 "
            "of the other, so compare populations, not chips."
        )
    return out


def incomplete(absent: Iterable[str], why: str = "missing") -> list[str]:
    """Cells that are not in the table, and why."""
    listed = list(absent)
    if not listed:
        return []
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return [f"{len(listed)} cell{'s' * (len(listed) > 1)} {why}: {'; '.join(listed[:3])}{more}."]


def _parts(results: Mapping[str, Any], key: str) -> list[str]:
    seen = dict.fromkeys(str(r.provenance.get(key, "")) for r in results.values())
    return list(dict.fromkeys(part for text in seen for part in text.split(", ")))
