"""Words for a sentence: ages, sigmas, ordinals."""

from __future__ import annotations

from mho.units import format_duration

NBSP = "\N{NO-BREAK SPACE}"
_UNITS = {"s": "second", "min": "minute", "h": "hour", "d": "day", "y": "year"}


def age_words(seconds: float) -> str:
    """``"just programmed"`` for zero, else ``"after 1 year"``."""
    return "just programmed" if seconds == 0 else f"after {duration_words(seconds)}"


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
