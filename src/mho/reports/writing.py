"""What programming a chip costs, in the answer and in the table of populations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mho.reports.wording import NBSP, brief, count, energy

if TYPE_CHECKING:
    from mho.evaluation.result import Result

NONE = 0.005  # cells a chip that are as good as none


class Written(NamedTuple):
    """What programming one chip costs, at one sigma.

    Attributes:
        cells: memory cells of a chip.
        cycles: write cycles in all.
        nwc: normalised write cycles; zero where nothing is verified.
        with_first: the same with the single write of all other cells.
        failures: verified cells that stay outside their tolerance.
        seconds: time, ``nan`` where nobody knows.
        joules: energy, ``nan`` where nobody knows.
    """

    cells: int
    cycles: float
    nwc: float
    with_first: float
    failures: float
    seconds: float
    joules: float


def written(result: Result, i: int) -> Written | None:
    """The cost at the i-th sigma of ``result``; ``None`` where there is nothing to tell."""
    w = result.writing
    if w is None or not w.told:
        return None
    seconds, joules = (math.nan if known is None else float(known[i]) for known in (w.seconds, w.joules))
    return Written(w.cells, float(w.cycles[i]), float(w.nwc[i]), float(w.nwc_with_first_write[i]),
                   float(w.failures[i]), seconds, joules)  # fmt: skip


def sentence(cost: Written, there: str = "") -> str:
    """``"Programming a chip takes 1.3 million write cycles, NWC 0.11 (0.26 with first writes), ..."``."""
    parts = [f"Programming a chip{there} takes {count(cost.cycles)} write cycles"]
    if cost.nwc > 0:
        nwc, first = f"{cost.nwc:.2g}", f"{cost.with_first:.2g}"
        parts.append(f"NWC{NBSP}{nwc}{f' ({first} with the first write of all)' * (first != nwc)}")
    parts += [brief(cost.seconds)] if math.isfinite(cost.seconds) else []
    parts += [energy(cost.joules, NBSP)] if math.isfinite(cost.joules) else []
    return f"{', '.join(parts)}{f'; {outside(cost.failures, cost.cells)}' * (cost.nwc > 0)}."


def outside(failures: float, cells: int) -> str:
    """``"0.4 of 423,672 cells stay outside the tolerance"``; expected values below a two-hundredth are no cell."""
    if failures < NONE:
        return "no cell stays outside the tolerance"
    return f"{count(failures)} of {cells:,} cells stay outside the tolerance"


def verified(costs: Sequence[Written | None]) -> bool:
    """Any of them verifies cells."""
    return any(cost is not None and cost.nwc > 0 for cost in costs)
