"""What :func:`mho.racetrack.protect` may be asked, checked before any work."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mho.devices.position_codes import PositionCode, scheme
from mho.errors import SpecError
from mho.evaluation.arguments import ages_of, check_counts, check_statistics
from mho.racetrack.curves import Curves
from mho.racetrack.exposure import exposure_of
from mho.racetrack.judging import Judge
from mho.racetrack.sensitivity import sensitivity

NEAR = 0.01
"""How far from the metric without faults a target may be unless it is given."""
SHARES = (0.125, 0.25, 0.5, 1.0)
"""Points of the curves that are measured for a selection, of the largest exposure in its time."""


@dataclass(frozen=True)
class Asked:
    """A checked question.

    Attributes:
        code: the position-error code.
        inferences: after which the metric counts.
        age: inferences at which it is taken, ascending, ending there.
        confidence: of intervals.
    """

    code: PositionCode
    inferences: int
    age: tuple[float, ...]
    confidence: float

    def listed(self, selections: object) -> list[Any]:
        """The selections, each once.

        Raises:
            SpecError: it is no list.
        """
        if isinstance(selections, str) or not isinstance(selections, Sequence):
            raise SpecError(f"selections={selections!r} must be a list, such as ('UNPROT', 'EVEN', 'FULL')")
        return list(dict.fromkeys(s if isinstance(s, str) else tuple(s) for s in selections))

    def wanted(self, target: float | None, judge: Judge) -> float:
        """The target, checked against what the metric can be.

        Raises:
            SpecError: it is no number that the metric can reach.
        """
        if target is None:
            return judge.baseline - judge.sign * (NEAR if judge.metric.bounded else NEAR * abs(judge.baseline))
        if isinstance(target, bool) or not isinstance(target, int | float) or not math.isfinite(target):
            raise SpecError(f"target={target!r} must be a number, such as 0.85")
        if judge.metric.bounded and not 0 <= target <= 1:
            raise SpecError(f"target={target:g} must lie between 0 and 1; 85 % is written 0.85")
        if judge.sign * (target - judge.baseline) > 0:
            raise SpecError(f"target={target:g} is better than {judge.baseline:.4g}, the metric without any fault")
        return float(target)

    def curves(self, judge: Judge, *, show_progress: bool) -> Curves:
        """Single-layer drops on the chips of ``judge``, up to the exposure after ``inferences``.

        What a code leaves of it is a point, too.
        """
        most = max(
            exposure_of(judge.chips.placements[p].memory, judge.shape(p)) * self.inferences
            for p in judge.known.values()
        )
        if most == 0:
            raise SpecError("nothing ever moves (fault_rate=0, or tracks of one bit), so there is nothing to protect")
        return sensitivity(
            judge.model,
            judge.data,
            judge.memory,
            exposures=[share * most for share in sorted({*SHARES, *filter(None, judge.residual.values())})],
            n_chips=len(judge.numbers),
            first_chip=judge.numbers.start,
            confidence=self.confidence,
            seed=judge.seed,
            show_progress=show_progress,
            **judge.how,
        )


def asked(
    code: PositionCode | str,
    inferences: int,
    age: Sequence[float] | None,
    search: int,
    confidence: float,
    n_chips: int,
    first_chip: int,
    batch_size: int | None,
) -> Asked:
    """The question, checked as far as that needs no model.

    Raises:
        UnknownNameError: no published code has this name.
        SpecError: an argument is out of range.
    """
    check_counts(inferences=inferences, n_chips=n_chips, first_chip=first_chip, batch_size=batch_size)
    check_statistics((), confidence)
    if isinstance(search, bool) or not isinstance(search, int) or search < 0:
        raise SpecError(f"search={search!r} must be a number of selections, zero or more")
    if isinstance(code, str):
        code = scheme(code)
    if not isinstance(code, PositionCode):
        raise SpecError(f"code is a {type(code).__name__}; it takes racetrack.GROGU() or another position code")
    if age is None:
        age = [0, *np.unique(np.geomspace(max(1, inferences / 100), inferences, 5).round()).tolist()]
    found = sorted(ages_of(age, "inferences"))
    if found[-1] != inferences:
        raise SpecError(f"age ends at {found[-1]:g}; it must end at inferences={inferences}")
    return Asked(code, int(inferences), tuple(found), confidence)
