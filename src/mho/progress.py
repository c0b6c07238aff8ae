"""A progress bar that only shows up when something takes longer than two seconds, on a terminal, on stderr."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

PATIENCE = 2.0


class Bar(Protocol):
    """What the body of a long loop sees."""

    def advance(self, steps: int = 1) -> None:
        """``steps`` more are done."""

    def say(self, text: str) -> None:
        """What is going on, in place of the title."""


class _Bar:
    def __init__(self, title: str, total: int, enabled: bool) -> None:
        self.title, self.total, self.enabled = title, total, enabled
        self.done = 0
        self.start = time.monotonic()
        self.rich: Any = None
        self.task: Any = None

    def advance(self, steps: int = 1) -> None:
        self.done += steps
        if self.rich is None and self.enabled and time.monotonic() - self.start > PATIENCE:
            self._show()
        if self.rich is not None:
            self.rich.update(self.task, completed=self.done)

    def say(self, text: str) -> None:
        self.title = text
        if self.rich is not None:
            self.rich.update(self.task, description=text)

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self.enabled = console.is_terminal
        if self.enabled:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            self.rich = Progress(*columns, console=console, transient=True)
            self.rich.start()
            self.task = self.rich.add_task(self.title, total=self.total)


@contextmanager
def progress(title: str, total: int, *, enabled: bool = True) -> Iterator[Bar]:
    """A bar over ``total`` steps; silent for short work, off terminals and where ``enabled`` is false."""
    bar = _Bar(title, total, enabled)
    try:
        yield bar
    finally:
        if bar.rich is not None:
            bar.rich.stop()
