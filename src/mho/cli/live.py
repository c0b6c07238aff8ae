"""What ``mho run`` shows while it runs: a table that fills up on a terminal, a line a cell elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mho.studies.observers import Observer
from mho.studies.overview import spelled, statistics
from mho.units import format_duration, percent, significant

if TYPE_CHECKING:
    from mho.studies import Study
    from mho.studies.cells import Cell
    from mho.studies.plan import Plan

ROWS = 16
"""Cells shown at once: those computed last."""
MEMORY = 20
"""Shards from which the pace is taken."""


class Watch(Observer):
    """Counts what comes in and says how long the rest may take."""

    def __init__(self, study: Study) -> None:
        from mho.evaluation.metrics import METRICS

        self._show = percent if METRICS[study.metric].bounded else significant
        self.total = self.done = self.cells = self.complete = 0
        self.recent: deque[tuple[float, int]] = deque(maxlen=MEMORY)
        self.rows: dict[str, tuple[int, int, str]] = {}
        self.messages: list[str] = []

    def started(self, plan: Plan, chips: int) -> None:
        """See :class:`Observer`."""
        self.total, self.done, self.complete = chips, 0, 0
        self.cells = len({c.key for c in plan.cells})
        self.recent.clear()
        self.recent.append((time.monotonic(), 0))
        wanted = f", {chips:,} chips to evaluate" if chips or not all(c.whole for c in plan.cells) else ""
        self._say(f"{self.cells:,} cells{wanted}")

    def advanced(self, cell: Cell, chips: int, seconds: float) -> None:
        """See :class:`Observer`."""
        self.done += chips
        self.total = max(self.total, self.done)  # what was damaged comes once more
        self.recent.append((time.monotonic(), self.done))
        name = str(cell)
        have, _, said = self.rows.pop(name, (0, 0, ""))
        self.rows[name] = (have + chips, 0 if cell.whole else cell.point.study.n_chips, said)

    def trained(self, label: str, seconds: float) -> None:
        """See :class:`Observer`."""
        self._say(f"trained {label} in {format_duration(seconds)}")

    def finished(self, cell: Cell, row: dict[str, Any]) -> None:
        """See :class:`Observer`."""
        self.complete += 1
        name = str(cell)
        have, wanted, _ = self.rows.get(name, (0, 0, ""))
        said = self._spell(row)
        self.rows[name] = (have, wanted, said)
        self._line(f"{name}: {said}   [{self.left}]")

    def failed(self, what: str, error: str) -> None:
        """See :class:`Observer`."""
        self._say(f"failed: {what}: {error.strip().splitlines()[-1]}")

    def noticed(self, message: str) -> None:
        """See :class:`Observer`."""
        self._say(message)

    @property
    def left(self) -> str:
        """``"1,200 of 5,000 chips, 2min left"``."""
        if not self.total:
            return f"{self.complete:,} of {self.cells:,} cells"
        said = f"{self.done:,} of {self.total:,} chips"
        if len(self.recent) < 2 or self.done >= self.total:
            return said
        (then, before), (now, after) = self.recent[0], self.recent[-1]
        return f"{said}, {_about((self.total - self.done) * (now - then) / (after - before))} left"

    def _spell(self, row: dict[str, Any]) -> str:
        named = [name for name in row if f"{name}_low" in row and name != "ekl"]
        # Of what a question found some numbers have no interval.
        named = named or [name for name in statistics([row]) if isinstance(row[name], float)]
        return ", ".join(f"{name} {spelled(row, name, self._show)}" for name in named)

    def _say(self, message: str) -> None:
        self.messages.append(message)
        self._line(message)

    def _line(self, message: str) -> None:
        print(message, file=sys.stderr, flush=True)


class Screen(Watch):
    """The same as a table that rich draws again and again."""

    def _line(self, message: str) -> None:
        """Nothing: the table has it."""

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 2, 0, 0))
        # The last column gives way where the terminal is narrow.
        table.add_column("cell", no_wrap=True, min_width=min(48, max(map(len, self.rows), default=4)))
        table.add_column("chips", justify="right", no_wrap=True, min_width=9)
        table.add_column("so far" if self.done < self.total else "found", no_wrap=True, overflow="ellipsis")
        for name, (have, wanted, said) in list(self.rows.items())[-ROWS:]:
            table.add_row(name, f"{have:,}" + (f"/{wanted:,}" if wanted else ""), said)
        bar = ProgressBar(total=max(1, self.total), completed=self.done, width=40)
        foot = Text(
            f"{self.left}; {self.complete:,} of {self.cells:,} cells complete. Ctrl-C is safe: run again goes on."
        )
        return Group(*(Text(m, style="dim") for m in self.messages[-4:]), table, bar, foot)


def _about(seconds: float) -> str:
    """``"2min"``: an estimate has no digits to spare."""
    return format_duration(float(f"{seconds:.2g}") if seconds < 60 else 60 * round(seconds / 60))


@contextmanager
def watch(study: Study) -> Iterator[Watch]:
    """An observer that shows progress on standard error."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    if not console.is_terminal:
        yield Watch(study)
        return
    screen = Screen(study)
    with Live(screen, console=console, refresh_per_second=4, transient=True):
        yield screen
