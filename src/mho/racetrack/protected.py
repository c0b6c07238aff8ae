"""One selection of protected layers: what it keeps, what it costs, and which selections none beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mho.evaluation.population import nulls
from mho.evaluation.statistics import Interval, mean_interval


@dataclass(frozen=True, kw_only=True)
class Protected:
    """One selection of layers behind the code.

    Attributes:
        name: what tables call it, such as ``"EVEN"``.
        layers: the protected layers, in the order of the model.
        mask: ``1`` for every protected layer of the model, ``0`` for the others, as papers print it: ``"1010"``.
        values: ``(age, chip)`` metric of each chip; chips are common to all selections.
        cycles: cycles that protection adds to an inference, expected.
        overhead: the same, over the cycles of an inference without protection.
        predicted: metric after the last age that the sum of single-layer drops foretells; ``None`` without curves.
    """

    name: str
    layers: tuple[str, ...]
    mask: str
    values: NDArray[np.float64]
    cycles: float
    overhead: float
    predicted: float | None = None

    def mean(self, age: int = -1, confidence: float = 0.95) -> Interval:
        """Mean over chips at the age with index ``age`` (the last one), Student-t interval."""
        return mean_interval(self.values[age], confidence)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        from dataclasses import fields

        out = {f.name: getattr(self, f.name) for f in fields(self)}
        return out | {"layers": list(self.layers), "values": nulls(self.values)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Protected:
        """What :meth:`to_dict` wrote."""
        return cls(**(data | {"layers": tuple(data["layers"]), "values": np.asarray(data["values"], dtype=np.float64)}))


def pareto(selections: Sequence[Protected], *, higher_is_better: bool = True) -> tuple[Protected, ...]:
    """Those of ``selections`` that none beats in both mean metric and cycles, by cycles; of equal ones the first."""
    sign = 1.0 if higher_is_better else -1.0
    ordered = sorted(selections, key=lambda s: (s.cycles, -sign * s.mean().value))
    front: list[Protected] = []
    for one in ordered:
        if not front or sign * one.mean().value > sign * front[-1].mean().value:
            front.append(one)
    return tuple(front)
