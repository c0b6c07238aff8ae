"""THE BEST TRADES: selections of protected layers that nothing beats in both accuracy and overhead."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from mho.devices.position_codes import PositionCode
from mho.errors import SpecError
from mho.evaluation.metrics import Metric, UserMetric
from mho.evaluation.plan import Batching
from mho.memory.rules import Rules
from mho.racetrack.counting import Counting
from mho.racetrack.curves import Curves
from mho.racetrack.protect import protect
from mho.racetrack.protection import Protection
from mho.racetrack.timing import Timing


def front(
    model: nn.Module,
    data: Any,
    memory: Rules,
    *,
    code: PositionCode | str,
    inferences: int = 100,
    target: float | None = None,
    points: int = 10,
    planes: int | None = None,
    curves: Curves | None = None,
    timing: Timing | None = None,
    counting: Counting = "physical",
    n_chips: int = 20,
    first_chip: int = 0,
    metric: str | Metric | UserMetric = "accuracy",
    confidence: float = 0.95,
    seed: int = 0,
    device: torch.device | str | None = None,
    batching: Batching = "auto",
    batch_size: int | None = None,
    show_progress: bool = True,
) -> Protection:
    """The Pareto front of the metric after ``inferences`` against overhead.

    The drops of single layers, added up, propose selections: all that none beats under that model are found exactly.
    ``points`` of them are judged by Monte Carlo, on the same chips, and those that are beaten there are left out. Drops
    do not quite add up, so that the front is that of the selections judged, no proof that no better one exists.

    Args:
        model: as for :func:`mho.racetrack.protect`.
        data: the same.
        memory: the same.
        code: the same.
        inferences: after which the metric counts.
        target: as for :func:`mho.racetrack.protect`; decides :attr:`Protection.choice` alone.
        points: selections that are judged, no protection and full protection included; two or more.
        planes: as for :func:`mho.racetrack.protect`.
        curves: the same.
        timing: the same.
        counting: the same.
        n_chips: the same.
        first_chip: the same.
        metric: the same.
        confidence: the same.
        seed: the same.
        device: the same.
        batching: the same.
        batch_size: the same.
        show_progress: the same.

    Returns:
        The selections on the front, by overhead.

    Raises:
        SpecError, ModelError, UnknownNameError: as :func:`mho.racetrack.protect`.
    """
    if isinstance(points, bool) or not isinstance(points, int) or points < 2:
        raise SpecError(f"points={points!r} must be two or more selections")
    judged = protect(
        model,
        data,
        memory,
        code=code,
        inferences=inferences,
        target=target,
        selections=("UNPROT", "FULL"),
        search=points - 2,
        planes=planes,
        curves=curves,
        timing=timing,
        counting=counting,
        age=(inferences,),
        n_chips=n_chips,
        first_chip=first_chip,
        metric=metric,
        confidence=confidence,
        seed=seed,
        device=device,
        batching=batching,
        batch_size=batch_size,
        show_progress=show_progress,
    )
    return judged.only(judged.front)
