"""Published numbers, for a column beside ours; nothing is computed from them [li2024zerospace]."""

from __future__ import annotations

from typing import Any

from mho.units import percent

TABLE3_RATES = (1e-4, 2.5e-4, 5e-4, 7.5e-4, 1e-3, 1.25e-3, 1.5e-3, 1.75e-3, 2e-3)
"""Rates of stuck cells of Table 3, as fractions."""

TABLE3 = {
    "none": (0.9068, 0.8765, 0.7796, 0.5511, 0.3768, 0.2118, 0.1244, 0.2247, 0.2740),
    "paper": (0.9058, 0.9026, 0.8868, 0.8600, 0.8391, 0.8013, 0.7143, 0.6302, 0.5223),
}
"""Table 3: mean score of BERT-base on MRPC. It says accuracy; values of 12 % can only be those of F1."""

TABLE3_VARIANCE = {
    "none": (0.36, 0.97, 14.35, 169.5, 286.8, 227.1, 178.2, 231.1, 269.9),
    "paper": (0.20, 0.50, 1.20, 2.33, 4.85, 10.23, 50.74, 93.22, 155.7),
}
"""Its variances between fault maps, squared points."""


def published(scheme: str, rate: float) -> dict[str, float] | None:
    """What Table 3 prints for a scheme at a rate: ``mean`` (a fraction) and ``std``; ``None`` where it prints nothing.

    Args:
        scheme: ``"none"`` or ``"paper"``.
        rate: of stuck cells.
    """
    at = next((i for i, r in enumerate(TABLE3_RATES) if abs(r - rate) <= 1e-9 * r), None)
    if at is None or scheme not in TABLE3:
        return None
    return {"mean": TABLE3[scheme][at], "std": TABLE3_VARIANCE[scheme][at] ** 0.5 / 100}


def beside(schemes: tuple[str, ...], rates: tuple[float, ...]) -> list[list[Any]]:
    """Lines of a table, a scheme and then a rate a column, of what was printed; empty where nothing was."""
    lines = []
    for scheme in schemes:
        found = [published(scheme, rate) for rate in rates]
        if any(found):
            lines.append([scheme, *(percent(f["mean"]) if f else "–" for f in found)])
    return lines
