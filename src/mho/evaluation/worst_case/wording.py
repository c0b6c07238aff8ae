"""A worst case as a table and as a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mho.text import table
from mho.units import percent, significant

if TYPE_CHECKING:
    from mho.evaluation.worst_case.result import WorstCase


def shown(case: WorstCase) -> str:
    """Title, a row a bound, and what was searched."""
    show = _show(case)
    worst = "min" if case.higher_is_better else "max"
    header = ["tolerance", "bound"] if case.tolerances is not None else ["bound"]
    left = len(header)
    header += ["worst found", "searched", *(f"{kind} {what}" for kind in case.random for what in ("mean", worst))]
    rows = []
    for i, bound in enumerate(case.bounds):
        row = [] if case.tolerances is None else [f"{case.tolerances[i]:g}"]
        row += [f"{bound:g}", show(float(case.found[i])), show(float(case.searched[i]))]
        for kind, values in case.random.items():
            row += [show(float(values[i].mean())), show(case.worst(kind, i))]
        rows.append([*row, case.won[i]])
    title = (
        f"{case.label}: {case.metric}{' in %' if case.bounded else ''} of the worst chip found, "
        f"{case.images:,} samples, seed {case.seed}; digital {show(case.digital)}, no error {show(case.ideal)}"
    )
    lines = [title, *table([*header, "found by"], rows, left=left).splitlines()]
    return "\n".join([*lines, _data(case)])


def _data(case: WorstCase) -> str:
    drawn = "".join(f"; {values.shape[1]:,} chips of each random kind" for values in list(case.random.values())[:1])
    spent = f"{case.passes:,} passes over {case.search_images:,} samples of {case.search_data}"
    if case.same_data:
        return f"searched in {spent}, and reported on the same samples{drawn}"
    return f"searched in {spent}, reported on {case.images:,} samples of {case.data}{drawn}"


def answer(case: WorstCase) -> str:
    """What the widest bound does."""
    said, last = _said(case), len(case.bounds) - 1
    within = f"±{100 * case.bounds[last]:.3g} % of the full scale"
    if case.tolerances is not None:
        within = f"{100 * case.tolerances[last]:.3g} % of the range of every cell"
    start = f"Within {within}, a chip of {said(float(case.found[last]))} {case.metric} exists"
    without = f"{said(case.ideal)} without errors"
    if not case.random:
        return f"{start} ({without})."
    chips = sum(values.shape[1] for values in case.random.values())
    worst = [case.worst(kind, last) for kind in case.random]
    extreme = min(worst) if case.higher_is_better else max(worst)
    return f"{start} ({without}); the worst of {chips:,} random ones has {said(extreme)}."


def _show(case: WorstCase) -> Callable[[float], str]:
    return percent if case.bounded else significant


def _said(case: WorstCase) -> Callable[[float], str]:
    return (lambda value: f"{percent(value)} %") if case.bounded else significant
