"""What a method of telling how much a weight matters is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from mho.evaluation.sensitivity.task import Task


@dataclass(frozen=True)
class Found:
    """What a method found out.

    Attributes:
        values: parameter name to a tensor of its shape.
        error: the same for the standard error of a sampled estimate; empty where nothing is sampled.
        loss: mean loss over the data, ``None`` where no data was looked at.
        sampled: whether the numbers are estimates from random probes.
        method: what was done instead of what was asked for; empty where just that was done.
        note: why, one line.
    """

    values: Mapping[str, Tensor]
    error: Mapping[str, Tensor] = field(default_factory=dict)
    loss: float | None = None
    sampled: bool = False
    method: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Method:
    """One way of telling how much each weight matters; add yours to :data:`METHODS` with :func:`register`.

    Attributes:
        name: what :func:`mho.sensitivity` is asked for.
        run: computes it.
        summary: one line of what its numbers are.
        power: its numbers are per weight unit to this power: 2 for second derivatives and squared gradients, whose
            product with a squared full scale compares between layers; 0 where they compare as they are.
        needs_data: whether it looks at data.
        samples: random probes per batch unless asked otherwise; 0 where nothing is sampled.
        references: BibTeX keys.
    """

    name: str
    run: Callable[[Task], Found]
    summary: str = ""
    power: int = 0
    needs_data: bool = True
    samples: int = 0
    references: tuple[str, ...] = ()
