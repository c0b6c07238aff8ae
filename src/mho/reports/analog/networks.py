"""Networks that were trained on arrays in words: what is left, from end to end of every axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mho.reports.analog import comparing
from mho.reports.analog.comparing import Ranked
from mho.reports.analog.phrases import TEST, measured, not_apart, seeds, several, test_error
from mho.reports.analog.view import Analog
from mho.reports.labels import listed
from mho.reports.wording import capital

if TYPE_CHECKING:
    from mho.analog.experiments.sweep_result import Sweep, Trained


def opening(view: Analog, sweep: Sweep) -> str:
    axis = next(iter(comparing.varied(sweep)), "reference_std")
    ranked = comparing.points(sweep, axis)
    level = comparing.level_with(ranked, view.confidence)
    said = [f"{measured(TEST, test_error(r.worst, view.confidence))} with {r.label}" for r in level]
    where = _along(sweep, axis, last=True)
    out = f"Trained on arrays{f' with {where}' if where else ''}, {sweep.model} on {sweep.data} has "
    last = [r for r in ranked if r not in level and math.isfinite(float(r.worst.errors.mean()))][-1:]
    worst = [f"{TEST.said(float(r.worst.errors.mean()))} with {r.label}" for r in last]
    if len(level) == 1:
        out += f"a test error of {listed(said + worst)}"
    else:
        out += f"test errors of {listed(said)}, {not_apart(len(sweep.seeds), 'seed')}"
        out += f"; {worst[0]}" if worst else ""
    if sweep.floating is not None:
        out += f"; in floating point {TEST.said(float(sweep.floating.errors.mean()))}"
    return f"{out} ({seeds(sweep)})."


def told(view: Analog, sweeps: Sequence[Sweep]) -> list[str]:
    """Test errors from end to end of every axis, those in floating point beside them; of one network and its data."""
    out: list[str] = []
    for sweep in sweeps:
        if sweep.floating is not None:
            found = measured(TEST, test_error(sweep.floating, view.confidence))
            out.append(f"In floating point, with the same recipe, the test error is {found}, {seeds(sweep)}.")
        moving = comparing.varied(sweep)
        for axis in moving or ["reference_std"]:
            ranked = comparing.points(sweep, axis)
            said = [_tested(view, r, bool(moving)) for r in ranked]
            along = _along(sweep, axis)
            out.append(f"{f'{capital(along)}: ' if along else ''}{'; '.join(said)}.")
        lost = sum(int(math.isnan(error)) for point in sweep.points for error in point.errors)
        if lost:
            out.append(f"{several(lost, 'training')} broke off: the loss grew without bound.")
    return [*dict.fromkeys(out)]


def together(view: Analog) -> dict[str, list[Sweep]]:
    """Sweeps of one network and its data."""
    out: dict[str, list[Sweep]] = {}
    for sweep in view.sweeps:
        out.setdefault(f"{sweep.model} on {sweep.data}", []).append(sweep)
    return out


def _tested(view: Analog, ranked: Ranked[Trained], moving: bool) -> str:
    worst, best = (test_error(p, view.confidence) for p in (ranked.worst, ranked.best))
    if math.isnan(worst.value):
        return f"{ranked.label} gave no value"
    if not moving or (ranked.steady and not ranked.worst.has_reference):
        return f"{ranked.label} {measured(TEST, worst)}"
    return f"{ranked.label} {TEST.said(best.value)} to {measured(TEST, worst)}"


def _along(sweep: Sweep, axis: str, *, last: bool = False) -> str:
    """``"20 states, references off by 0 to 0.5"``; the hard end alone if ``last``."""
    parts: list[str] = []
    for name, values in comparing.axes(sweep).items():
        known = [v for v in values if v is not None]
        if not known:
            continue
        ends = [known[0]]
        if name == axis and len(known) > 1:
            ends = [known[-1], known[0]] if name == "n_states" else [known[0], known[-1]]
            ends = ends[-1:] if last else ends
        said = " to ".join(f"{v:g}" for v in ends)
        if name == "n_states":
            parts.insert(0, f"{said} states")
        elif name == "reference_std" and any(point.has_reference for point in sweep.points):
            parts.append("exact references" if said == "0" else f"references off by {said}")
        elif name == "bounds" and len(known) > 1:
            parts.append(f"bounds {said} times as far off")
    return " and ".join(parts) if last and len(parts) == 2 else ", ".join(parts)
