"""What numbers mean: time in seconds, conductance in siemens, accuracy and sigma as fractions; text for people."""

from __future__ import annotations

import math

from mho.errors import SpecError

MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0
YEAR = 365.25 * DAY

_DURATIONS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": MINUTE, "h": HOUR, "d": DAY, "y": YEAR}


def parse_duration(text: str | float) -> float:
    """Seconds from ``3600``, ``"1h"``, ``"30d"``, ``"1y"`` (units: ns us ms s min h d y).

    Raises:
        SpecError: the text is no number with one of these units, or negative.
    """
    said = str(text).strip()
    number = said.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = said[len(number) :] or "s"
    try:
        seconds = float(number) * _DURATIONS[unit]
    except (ValueError, KeyError):
        raise SpecError(
            f"'{said}' is no duration; write a number with one of {', '.join(_DURATIONS)}, such as 1h or 1y"
        ) from None
    if not math.isfinite(seconds) or seconds < 0:
        raise SpecError(f"age '{said}' must be zero or more")
    return seconds


def format_duration(seconds: float) -> str:
    """``"1h"`` for 3600: the largest unit that is at most the duration."""
    if seconds == 0:
        return "0s"
    unit, size = "ns", 1e-9
    for name, scale in _DURATIONS.items():
        if seconds >= scale * (1 - 1e-9):
            unit, size = name, scale
    return f"{seconds / size:.4g}{unit}"


def percent(fraction: float, digits: int = 2) -> str:
    """``"97.31"`` for 0.9731, an en dash where there is no number."""
    return "–" if math.isnan(fraction) else f"{100 * fraction:.{digits}f}"


def significant(value: float, digits: int = 4) -> str:
    """``"12.35"`` for 12.3456, an en dash where there is no number."""
    return "–" if math.isnan(value) else f"{value:.{digits}g}"
