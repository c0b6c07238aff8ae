"""Words for a sentence: ages, sigmas, ordinals."""

from __future__ import annotations

import math

from mho.units import Clock, age_unit, format_age, format_duration

NBSP = "\N{NO-BREAK SPACE}"
_UNITS = {"s": "second", "min": "minute", "h": "hour", "d": "day", "y": "year"}
_JOULES = (("kJ", 1e3), ("J", 1.0), ("mJ", 1e-3), ("µJ", 1e-6), ("nJ", 1e-9), ("pJ", 1e-12))


def age_words(age: float, clock: Clock = "s") -> str:
    """``"just programmed"`` for zero, else ``"after 1 year"``, ``"after 100 inferences"``."""
    return "just programmed" if age == 0 else f"after {age_span(age, clock)}"


def age_span(age: float, clock: Clock) -> str:
    """``"1 year"``, ``"100 inferences"``."""
    return duration_words(age) if clock == "s" else format_age(age, clock, unit=True).replace(" ", NBSP)


def since(clock: Clock) -> str:
    """What an axis of ages shows: ``"time since programming"``, ``"inferences since programming"``."""
    return f"{'time' if clock == 's' else age_unit(clock)} since programming"


def duration_words(seconds: float) -> str:
    """``"1 year"``, ``"2.5 hours"``; units below a second stay symbols."""
    short = format_duration(seconds)
    number = short.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = _UNITS.get(short[len(number) :])
    if unit is None:
        return short
    return f"{number}{NBSP}{unit}{'' if number == '1' else 's'}"


def sigma_words(sigma: float | None) -> str:
    """``"sigma 0.1"``, or that the device keeps its own."""
    return "the device's own sigma" if sigma is None else f"sigma {sigma:g}"


def ordinal(k: float) -> str:
    """``"1st"``, ``"5th"``, ``"2.5th"``."""
    ends = {1: "st", 2: "nd", 3: "rd"}
    if k != int(k) or int(k) % 100 in (11, 12, 13):
        return f"{k:g}th"
    return f"{k:g}{ends.get(int(k) % 10, 'th')}"


def capital(text: str) -> str:
    """``text`` with a capital first letter; abbreviations inside stay as they are."""
    return text[:1].upper() + text[1:]


def share(fraction: float, digits: int = 4) -> str:
    """``"3 %"`` for 0.03; as many digits as it needs, up to ``digits``."""
    return f"{100 * fraction:.{digits}g}{NBSP}%"


def factor(value: float) -> str:
    """``"9.1"``, ``"120"``, ``"∞"``; an en dash where there is none."""
    if math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else f"{value:.1f}" if value < 99.95 else f"{value:,.0f}"


def count(value: float) -> str:
    """``"0.4"``, ``"423,672"``, ``"1.3 million"``: a number of things, to read in a sentence."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if value >= 0.9995 * size:
            return f"{value / size:.3g}{NBSP}{word}"
    return f"{value:,.0f}" if value >= 9.95 or value == 0 else f"{value:.2g}"


def brief(seconds: float) -> str:
    """``"1.1 seconds"``: a duration to read in a sentence, with two digits."""
    return duration_words(float(f"{seconds:.2g}"))


def energy(joules: float, space: str = "") -> str:
    """``"1.3mJ"``: in the largest unit that is at most the energy; an en dash where there is none."""
    if math.isnan(joules):
        return "–"
    unit, size = next(((u, s) for u, s in _JOULES if joules >= s * (1 - 1e-9)), _JOULES[-1])
    return f"0{space}J" if joules == 0 else f"{joules / size:.3g}{space}{unit}"
