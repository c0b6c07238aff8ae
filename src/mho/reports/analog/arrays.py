"""Programmed arrays in words: how exactly, whether chips tell algorithms apart, how far references may be off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mho.reports.analog import comparing
from mho.reports.analog.comparing import Ranked
from mho.reports.analog.phrases import ERROR, chips, measured, not_apart, reference, several, states
from mho.reports.analog.view import Analog
from mho.reports.labels import listed
from mho.reports.wording import NBSP, capital

if TYPE_CHECKING:
    from mho.analog.experiments.programming_result import Level, Programming

FALLING = 0.97  # from the first to the second half of the last samples: what is said to fall still


def opening(view: Analog, programming: Programming) -> str:
    n = next((n for n in programming.n_states if n is not None), None)
    ranked = [r for r in comparing.levels(programming, n) if not r.digital] or comparing.levels(programming, n)
    level = comparing.level_with(ranked, view.confidence)
    where = f"On an array of {programming.size}×{programming.size} with {states(n)}"
    if any(_refers(r) for r in ranked):
        where += f" and {reference(max(r.worst.reference_std for r in ranked))}"
    said = [f"{r.label} programs weights to {measured(ERROR, r.worst.error(view.confidence))}" for r in level[:1]]
    said += [f"{r.label} to {measured(ERROR, r.worst.error(view.confidence))}" for r in level[1:]]
    out = f"{where}, {listed(said)} of the largest one"
    out += f", {not_apart(programming.chips, 'chip')}" if len(level) > 1 else ""
    others = [f"{r.label} to {ERROR.said(float(r.worst.errors.mean()))}" for r in ranked if r not in level]
    return f"{out}{f'; {listed(others)}' if others else ''} ({chips(programming)})."


def told(view: Analog, programming: Programming) -> list[str]:
    """Errors with the best and the worst reference, which of the algorithms are told apart, and what they bear."""
    out: list[str] = []
    known: list[float | None] = [n for n in programming.n_states if n is not None]
    for n in known or [None]:
        ranked = comparing.levels(programming, n)
        hard = max(r.worst.reference_std for r in ranked)
        said = [_range(view, r) for r in ranked if not r.digital]
        without = [r.label for r in ranked if not (r.digital or _refers(r))]
        read = "reads" if len(without) == 1 else "read"
        rest = f" {capital(listed(without))} {read} no reference." if without and hard else ""
        if said:
            out.append(f"{capital(states(n))}, {reference(hard)}: {listed(said)}.{rest}")
        out += _apart(view, programming, ranked)
        digital = [f"{r.label} has {measured(ERROR, r.worst.error(view.confidence))}" for r in ranked if r.digital]
        if digital:
            out.append(f"Beside them, with digital sums: {listed(digital)}.")
    return out + _bearing(programming)


def unfinished(programming: Programming) -> list[str]:
    """Which algorithms were still getting better when the samples ended."""
    later = [i for i, at in enumerate(programming.at) if at > programming.samples * (1 - programming.average_last)]
    if len(later) < 4:
        return []
    half = len(later) // 2
    falling = []
    for level in programming.levels:
        before, after = level.course[later[:half]].mean(), level.course[later[-half:]].mean()
        if after < FALLING * before:
            falling.append(level.label)
    who = listed([label for label in programming.labels if label in falling])
    if not who:
        return []
    return [f"After {programming.samples:,} samples errors still fall with {who}: with more, they would be smaller."]


def named(programming: Programming, view: Analog) -> str:
    """Its setting, where there are several."""
    return f", {programming.setting}" if len(view.programmings) > 1 and programming.setting else ""


def _range(view: Analog, ranked: Ranked[Level]) -> str:
    """``"TTv2 49.0 % [43.5, 54.5], with exact ones 4.9 %"``."""
    said = f"{ranked.label} {measured(ERROR, ranked.worst.error(view.confidence))}"
    if ranked.steady:
        return said
    better = ranked.best
    mild = getattr(better, "reference_std", 0.0)
    other = "exact ones" if not mild else f"{mild:g}"
    return f"{said} (with {other} {ERROR.said(float(better.errors.mean()))})"


def _refers(ranked: Ranked[Level]) -> bool:
    """The algorithm reads a reference."""
    return bool(getattr(ranked.worst, "has_reference", True))


def _apart(view: Analog, programming: Programming, ranked: list[Ranked[Level]]) -> list[str]:
    """Whether the best one beats the next, chip by chip."""
    arrays = [r for r in ranked if not r.digital]
    if len(arrays) < 2 or programming.chips < 2:
        return []
    first, second = arrays[:2]
    gap = comparing.apart(first.worst, second.worst, view.confidence)
    if gap is None:
        return [f"There, {several(programming.chips, 'chip')} do not tell {first.label} from {second.label}."]
    low, high = (f"{100 * v:.2f}" for v in gap[1:])
    much = f"{100 * gap.value:.2f} [{low},{NBSP}{high}] points"
    return [f"Chip by chip, {first.label} is better than {second.label} by {much}."]


def _bearing(programming: Programming) -> list[str]:
    """How far references may be off, of those that were measured."""
    if len(programming.reference_std) < 2:
        return []
    out = []
    for n in programming.n_states:
        known = {level.label for level in programming.levels if level.n_states == n and level.has_reference}
        said = [
            f"{std:g} ({50 * std:g}{NBSP}% of the range) with {label}"
            for label in programming.labels
            if label in known and (std := comparing.bears(programming, label, n)) is not None
        ]
        if said:
            much = round(100 * (comparing.GROWN - 1))
            where = f"where references are off by up to {listed(said)}"
            out.append(f"{capital(states(n))}: errors grow by less than {much}{NBSP}% {where}.")
    return out
