"""What numbers mean: time in seconds, conductance in siemens, accuracy and sigma as fractions; text for people."""

from __future__ import annotations

import math
from typing import Literal, get_args

from mho.errors import SpecError

MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0
YEAR = 365.25 * DAY

Clock = Literal["s", "inferences"]
"""What the age of a device counts: seconds since programming, or inferences since programming."""

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


class Timespan(float):
    """Seconds that somebody wrote with a unit of time; a plain number counts whatever the device's clock counts."""


def parse_age(text: str | float) -> float:
    """An age: ``100`` and ``"1e6"`` as they are, ``"1h"`` as a :class:`Timespan`, which only seconds can be.

    Raises:
        SpecError: as :func:`parse_duration`.
    """
    value = parse_duration(text)
    timed = isinstance(text, Timespan) or (isinstance(text, str) and text.strip()[-1].isalpha())
    return Timespan(value) if timed else value


def check_age(age: float, clock: Clock, name: str = "age") -> float:
    """``age`` as a plain number, where a device that counts by ``clock`` can be that old.

    Raises:
        SpecError: it is negative or infinite; or of inferences, a time or no whole number.
    """
    if not 0 <= age < math.inf:
        raise SpecError(f"{name}={age:g} must be zero or more {age_unit(clock)}, and finite")
    if clock == "inferences" and isinstance(age, Timespan):
        raise SpecError(
            f"{name}={format_duration(age)} is a time, but this memory ages by inferences; "
            "write a whole number of them, such as 100"
        )
    if clock == "inferences" and age != int(age):
        raise SpecError(f"{name}={age:g} must be a whole number: this memory ages by inferences")
    return float(age)


def check_clock(clock: str | None) -> None:
    """Refuse what no age can count.

    Raises:
        SpecError: it is none of :data:`Clock`, and not ``None``.
    """
    if clock is not None and clock not in get_args(Clock):
        raise SpecError(f"clock={clock!r} is none; an age counts {' or '.join(map(repr, get_args(Clock)))}")


def format_age(age: float, clock: Clock, *, unit: bool = False) -> str:
    """``"1h"`` of seconds; ``"100"``, ``"1,000"``, ``"1e6"`` of inferences, with ``unit`` ``"100 inferences"``."""
    if clock == "s":
        return format_duration(age)
    short = f"{age:.4g}"
    # Short where nothing is lost: two ages never look the same.
    brief = age >= 1e6 and float(short) == age
    shown = short.replace("e+0", "e").replace("e+", "e") if brief else f"{age:,.15g}"
    return f"{shown} inference{'' if age == 1 else 's'}" if unit else shown


def age_unit(clock: Clock) -> str:
    """What an age counts, in words: ``"seconds"``, ``"inferences"``."""
    return "seconds" if clock == "s" else "inferences"


def age_heading(clock: Clock) -> str:
    """What a table calls a column of ages."""
    return "age" if clock == "s" else "inferences"


def age_column(clock: Clock) -> str:
    """Name of the age in records: ``"age_s"``, ``"age_inferences"``."""
    return f"age_{clock}"


AGE_COLUMNS = tuple(map(age_column, get_args(Clock)))
"""Every name that an age has in records."""


def percent(fraction: float, digits: int = 2) -> str:
    """``"97.31"`` for 0.9731, an en dash where there is no number."""
    return "–" if math.isnan(fraction) else f"{100 * fraction:.{digits}f}"


def significant(value: float, digits: int = 4) -> str:
    """``"12.35"`` for 12.3456, an en dash where there is no number."""
    return "–" if math.isnan(value) else f"{value:.{digits}g}"
