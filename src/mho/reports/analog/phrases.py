"""Parts of sentences about training on arrays, which words, tables and figures share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mho.evaluation.statistics import Interval
from mho.reports.scale import Scale
from mho.reports.wording import NBSP
from mho.units import format_duration

if TYPE_CHECKING:
    from mho.analog.experiments.programming_result import Level, Programming
    from mho.analog.experiments.sweep_result import Sweep, Trained
    from mho.analog.experiments.toy import Toy

ERROR = Scale("error", True)
"""Of programmed weights: the standard deviation of w - w^, in percent of a weight of 1, half the nominal range."""

TEST = Scale("test error", True)
"""Of networks."""

AXES = {
    "reference_std": "error of the reference, σᵣ",
    "n_states": "states",
    "bounds": "bounds, times as far off",
}
"""What the axes of a sweep are called."""


def error(level: Level, confidence: float) -> Interval:
    """Of a programmed array, mean over chips."""
    return level.error(confidence)


def test_error(point: Trained, confidence: float) -> Interval:
    """Of a network, mean over seeds."""
    return point.error(confidence)


def measured(scale: Scale, interval: Interval) -> str:
    """``"4.4 % [4.3, 4.5]"``; without the limits where there are none."""
    return scale.said(interval.value) if math.isnan(interval.low + interval.high) else scale.measured(interval)


def states(n: float | None) -> str:
    """``"20 states"``."""
    return "numbers" if n is None else f"{n:g}{NBSP}states"


def reference(std: float) -> str:
    """``"references off by 0.1"``; zero is ``"exact references"``."""
    return f"references off by {std:g}" if std else "exact references"


def chips(programming: Programming) -> str:
    """``"10 chips"``."""
    return several(programming.chips, "chip")


def seeds(sweep: Sweep) -> str:
    """``"3 seeds"``."""
    return several(len(sweep.seeds), "seed")


def not_apart(n: int, thing: str) -> str:
    """``"which 2 chips do not tell apart"``."""
    return f"which {several(n, thing)} {'does' if n == 1 else 'do'} not tell apart"


def several(n: int, thing: str) -> str:
    """``"3 seeds"``, ``"1 seed"``."""
    return f"{n:,}{NBSP}{thing}{'s' * (n != 1)}"


def title(toy: Toy) -> str:
    """``"AGAD"``, ``"TTv2, reference off by −0.8"``."""
    off = f", reference off by {toy.offset:g}".replace("-", "−") if toy.offset else ""
    return f"{toy.label}{off}{'' if toy.gradient else ', no gradient'}"


def within(toy: Toy) -> str:
    """``"TTv2 (reference off by −0.8)"``: a title among others in a sentence."""
    name, comma, rest = title(toy).partition(", ")
    return f"{name} ({rest})" if comma else name


def place(axis: str, value: float | None) -> str:
    """``"20 states"``, ``"σᵣ 0.25"``, ``"bounds ×3"``; empty where there is no value."""
    if value is None:
        return ""
    return {"n_states": states(value), "reference_std": f"σᵣ{NBSP}{value:g}", "bounds": f"bounds ×{value:g}"}[axis]


def nanoseconds(seconds: float) -> str:
    """``"62.1 ns"``, ``"3,024.5 ns"``."""
    return f"{seconds * 1e9:,.1f}{NBSP}ns"


def lasting(seconds: float | None) -> str:
    """``"409 µs"``; an en dash where there is none."""
    if seconds is None:
        return "–"
    short = format_duration(float(f"{seconds:.3g}"))
    number = short.rstrip("abcdefghijklmnopqrstuvwxyz")
    return f"{number}{NBSP}{short[len(number) :].replace('us', 'µs')}"


def amount(value: float, digits: int = 2) -> str:
    """``"0.45"``, ``"3.3×10⁻⁴"``; an en dash where there is none."""
    if math.isnan(value):
        return "–"
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.{digits}g}" if abs(value) < 100 else f"{value:,.0f}"
    number, power = f"{value:.{digits - 1}e}".split("e")
    return f"{number}×10{str(int(power)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def kind(algorithm: Any) -> str:
    """Class of an algorithm, which published numbers are sorted by."""
    return type(algorithm).__name__


def setting(programming: Programming) -> str:
    """``"20×20, 40,000 samples"``, with the name of the setting where it has one."""
    named = f"setting “{programming.setting}”, " if programming.setting else ""
    return f"{named}{programming.size}×{programming.size} weights, {programming.samples:,} samples"
