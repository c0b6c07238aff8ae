"""``mho design --dry-run``: what can be bought, how many combinations that makes, and which of them are impossible."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mho.errors import MhoError

if TYPE_CHECKING:
    from mho.codesign import Design

MOST = 2_000
"""Combinations that are tried one by one."""
SHOWN = 8
"""Reasons that are printed."""


def known_here(asked: Design) -> bool:
    """Whether its network and data are known in this process alone."""
    from mho.codesign.live import LIVE

    return asked.data.name.startswith(LIVE)


def refuse_early(asked: Design, folder: Path) -> None:
    """Raise where the combination that buys nothing is impossible: every other would be, too.

    Raises:
        MhoError: in one line.
    """
    from mho.codesign.measures import applied
    from mho.studies.rehearsal import rehearse

    rehearse(applied(asked.study, asked.measures, asked.nothing), folder)


def preview(asked: Design, folder: Path, root: str | None) -> None:
    """Print it; reads the data, and computes nothing."""
    from mho.codesign.measures import Range, labels
    from mho.text import table

    print(f"{asked.label}: {' and '.join(t.label(asked.clock) for t in asked.targets)}\n")
    rows = []
    for path, options in asked.measures.items():
        named = labels(options)
        rows.append([path, f"{named[0]} to {named[1]}" if isinstance(options, Range) else ", ".join(named)])
    print(table(["axis", "options, nothing first"], rows, left=2))
    count = f"{asked.size:,.0f}" if math.isfinite(asked.size) else "infinitely many"
    tried = "all of them" if asked.size <= asked.trials else f"{asked.trials:,} of them, chosen as results come in,"
    print(f"\n{count} combinations; {tried} are looked at, for least {', then '.join(asked.minimise)}")
    for name, most in asked.budget.items():
        print(f"budget: {name} at most {most:g}")
    held_out, learnt = asked.held_out, asked.calibrated_on
    assert held_out is not None
    for what, data in (("searched on", held_out), ("rankings, worst cases", learnt), ("certified on", asked.data)):
        if data is not None:
            samples = len(data.load(root))
            part = "" if data.part == "all" else f", {data.part}"
            print(f"{what}: {samples:,} samples of {data.name} ({data.split}{part})")
    if asked.size > MOST:
        print(f"more than {MOST:,} combinations are not tried one by one")
        return
    refused = list(_refused(asked, folder))
    for name, why in refused[:SHOWN]:
        print(f"not possible: {name}: {why}")
    if len(refused) > SHOWN:
        print(f"... and {len(refused) - SHOWN:,} more")


def _refused(asked: Design, folder: Path) -> Iterator[tuple[str, str]]:
    from mho.codesign.measures import applied, every
    from mho.codesign.wording import name
    from mho.studies.rehearsal import rehearse

    for chosen in every(asked.measures):
        try:
            rehearse(applied(asked.study, asked.measures, chosen), folder)
        except MhoError as error:
            yield name(asked, chosen), str(error)
