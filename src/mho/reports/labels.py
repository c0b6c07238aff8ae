"""What results are called: by their axes where these tell them apart, else by their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mho.errors import SpecError

if TYPE_CHECKING:
    from mho.evaluation.result import Result


def named(axis: str, value: str) -> str:
    """The value where it speaks for itself, else with its axis: ``"RRAM1"``, ``"seed 0"``."""
    return value if any(c.isalpha() for c in value) else f"{axis.rpartition('.')[2]} {value}"


def axes_of(
    results: Mapping[str, Result], axes: Mapping[str, Mapping[str, str]] | None
) -> Mapping[str, Mapping[str, str]]:
    """Label to axis to value, of the results alone; no axes where none were given.

    Raises:
        SpecError: a result has no axes, or others than the first.
    """
    if axes is None:
        return {label: {} for label in results}
    names = None
    for label in results:
        if label not in axes:
            raise SpecError(f"axes has no entry for the result '{label}'")
        names = names or tuple(axes[label])
        if set(axes[label]) != set(names):
            raise SpecError(f"axes of '{label}' are {', '.join(axes[label])}; the first result has {', '.join(names)}")
    return {label: axes[label] for label in results}


def short_labels(axes: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Label to the values that differ between results; empty where they do not tell all results apart."""
    rows = list(axes.values())
    differ = [name for name in rows[0] if len({row[name] for row in rows}) > 1]
    short = {label: ", ".join(named(name, row[name]) for name in differ) for label, row in axes.items()}
    return short if len(set(short.values())) == len(short) > 1 else {}


def one_label_each(labels: Sequence[str], what: str, verb: str) -> list[str]:
    """The labels; a single empty one becomes "this network".

    Raises:
        SpecError: two are the same.
    """
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise SpecError(f"two {what} are labelled '{twice}'; give {verb}(..., label=...) different ones")
    return [label or "this network" for label in labels]


def listed(words: Sequence[str]) -> str:
    """``"a, b and c"``."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
