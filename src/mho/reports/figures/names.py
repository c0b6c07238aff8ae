"""Labels with little room: cut as far as they still tell their results apart."""

from __future__ import annotations

from collections.abc import Sequence

from mho.reports.figures.canvas import abridged, plain


def stacked(labels: Sequence[str], longest: int) -> list[str]:
    """Labels below ticks: one line where that tells them apart, else a line for each part that differs.

    Args:
        labels: all different; their parts are between commas.
        longest: letters that a line has room for; more only where fewer cannot tell the labels apart.
    """
    short = [plain(label, longest) for label in labels]
    if _different(short, labels):
        return short
    parts = _parts(labels)
    fits = [all(len(part) <= longest for part in column) for column in parts]
    shown = [column if whole else _brief(column) for column, whole in zip(parts, fits, strict=True)]
    for room in range(longest, max(map(len, labels)) + 1):
        short = ["\n".join(plain(part, room) for part in row) for row in zip(*shown, strict=True)]
        if _different(short, labels):
            break
    return short if _different(short, labels) else [plain(label) for label in labels]


def rowed(labels: Sequence[str], longest: int) -> list[str]:
    """Labels at the ends of rows: abridged, without what their parts begin with where that is needed.

    Args:
        labels: all different; their parts are between commas.
        longest: letters that a row has room for; more only where fewer cannot tell the labels apart.
    """
    whole = list(labels)
    brief = [", ".join(row) for row in zip(*map(_brief, _parts(labels)), strict=True)]
    for room in range(longest, max(map(len, labels)) + 1):
        for said in (whole, brief):
            short = [abridged(label, room) for label in said]
            if _different(short, labels):
                return short
    return [plain(label) for label in labels]


def _different(short: Sequence[str], labels: Sequence[str]) -> bool:
    return len(set(short)) == len(set(labels))


def _parts(labels: Sequence[str]) -> list[list[str]]:
    """The parts of all labels, a list for each place, without those that all labels share."""
    rows = [label.split(", ") for label in labels]
    if len({len(row) for row in rows}) > 1:
        return [list(labels)]
    columns = [list(column) for column in zip(*rows, strict=True)]
    return [column for column in columns if len(set(column)) > 1] or [list(labels)]


def _brief(parts: Sequence[str]) -> list[str]:
    """Parts without the words that all of them begin with: ``"rate 0.1"``, ``"rate 0.2"`` are 0.1 and 0.2."""
    # What the first and the last in order begin with, all others do.
    first, last = min(parts), max(parts)
    start = first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]
    cut = max(start.rfind(" "), start.rfind("=")) + 1
    return [part[cut:] for part in parts]
