"""Durations, percentages, tables, the nearest name and a progress bar that keeps quiet."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mho import errors, progress, text, units
from mho.errors import MhoError, SpecError, nearest, unknown


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0", 0),
        (3600, 3600),
        (1.5, 1.5),
        ("1h", 3600),
        (" 1 h ", 3600),
        ("30d", 30 * 86400),
        ("1y", 365.25 * 86400),
        ("10min", 600),
        ("250ns", 250e-9),
        ("1e3s", 1000),
        ("2us", 2e-6),
        (1e-7, 1e-7),
    ],
)
def test_durations(said: object, seconds: float) -> None:
    assert units.parse_duration(said) == pytest.approx(seconds)


@pytest.mark.parametrize("said", ["", "h", "1 fortnight", "-1h", "nan", "inf", "1e400", "one", "1h30", "1H"])
def test_no_durations(said: str) -> None:
    with pytest.raises(SpecError) as error:
        units.parse_duration(said)
    assert f"'{said}'" in str(error.value)
    assert "\n" not in str(error.value)


@given(st.floats(1e-9, 1e10))
def test_a_formatted_duration_is_read_back(seconds: float) -> None:
    assert units.parse_duration(units.format_duration(seconds)) == pytest.approx(seconds, rel=1e-3)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0s"), (3600, "1h"), (86400, "1d"), (31_557_600, "1y"), (90, "1.5min"), (1e-6, "1us")]
)
def test_formatted_durations(seconds: float, shown: str) -> None:
    assert units.format_duration(seconds) == shown


@pytest.mark.parametrize(
    ("age", "clock", "shown", "said"),
    [
        (0, "s", "0s", "0s"),
        (3600, "s", "1h", "1h"),
        (0, "inferences", "0", "0 inferences"),
        (1, "inferences", "1", "1 inference"),
        (100, "inferences", "100", "100 inferences"),
        (1000, "inferences", "1,000", "1,000 inferences"),
        (123_456, "inferences", "123,456", "123,456 inferences"),
        (1e6, "inferences", "1e6", "1e6 inferences"),
        (2.5e12, "inferences", "2.5e12", "2.5e12 inferences"),
        (1_234_567, "inferences", "1,234,567", "1,234,567 inferences"),
    ],
)
def test_formatted_ages(age: float, clock: units.Clock, shown: str, said: str) -> None:
    assert units.format_age(age, clock) == shown
    assert units.format_age(age, clock, unit=True) == said


@given(st.integers(0, 10**12))
def test_no_two_numbers_of_inferences_look_the_same(age: int) -> None:
    assert float(units.format_age(age, "inferences").replace(",", "")) == age


@pytest.mark.parametrize(
    ("said", "number", "timed"),
    [
        ("100", 100, False),
        ("1e6", 1e6, False),
        (7, 7, False),
        ("1h", 3600, True),
        ("0s", 0, True),
        (" 2d ", 172800, True),
    ],
)
def test_an_age_with_a_unit_is_a_time(said: object, number: float, timed: bool) -> None:
    age = units.parse_age(said)
    assert age == number
    assert isinstance(age, units.Timespan) == isinstance(units.parse_age(age), units.Timespan) == timed
    assert units.check_age(age, "s") == number
    assert type(units.check_age(age, "s")) is float


def test_percentages() -> None:
    assert units.percent(0.9731) == "97.31"
    assert units.percent(1, 0) == "100"
    assert units.percent(math.nan) == "–"


def test_tables_align() -> None:
    lines = text.table(["name", "n"], [["a", 1], ["long", 1000]], title="Two").splitlines()
    assert lines == ["Two", "name     n", "────  ────", "a        1", "long  1000"]
    assert text.table(["a"], []).splitlines() == ["a", "─"]


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("conv", ["conv1", "fc"], "did you mean 'conv1'?"),
        ("FC", ["conv1", "fc"], "did you mean 'fc'?"),
        ("zzz", ["conv1", "fc"], "valid names: conv1, fc"),
        ("zzz", [], "there are none"),
        ("zzz", [f"n{i}" for i in range(20)], "... (20 in all)"),
    ],
)
def test_the_nearest_name(name: str, options: list[str], said: str) -> None:
    assert said in nearest(name, options)
    assert said in str(unknown("thing", name, options))


def test_every_error_is_one_family() -> None:
    kinds = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, Exception)]
    assert len(kinds) == 7
    assert all(issubclass(k, MhoError) for k in kinds)
    assert {k.__mro__[2].__name__ for k in kinds if k is not MhoError} == {"ValueError", "LookupError", "OSError"}


def test_progress_is_silent_off_terminals_and_for_short_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress.progress("work", 3) as bar:
        bar.advance()
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    for enabled in (True, False):
        with progress.progress("work", 3, enabled=enabled) as bar:
            bar.advance(2)
            bar.advance()
    assert capsys.readouterr() == ("", "")


def test_progress_shows_on_a_terminal_and_clears_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    monkeypatch.setattr("rich.console.Console.is_terminal", property(lambda self: True))
    seen = []

    def work() -> None:
        with progress.progress("work", 3) as bar:
            seen.append(bar)
            bar.advance()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        work()
    assert seen[0].rich.tasks[0].completed == 1
    assert not seen[0].rich.live.is_started
