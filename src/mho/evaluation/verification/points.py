"""The points of a curve: what is verified at every fraction of a ranking, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import torch
from torch import Tensor

from mho.mapping.base import Programmed
from mho.memory.deployment import Chips
from mho.memory.selection import Curvature, Order, order
from mho.programming import Cost, Selective, cost
from mho.programming.expected import Expected

Mask = Mapping[str, Tensor] | None
"""Layer to what is verified, bool by weight or by cell; ``None`` for nothing."""


@dataclass(frozen=True)
class Curve:
    """A ranking of the weights of one deployment.

    Attributes:
        order: in which they are verified.
        programmed: layer to its cells, every one verified.
        expected: layer to what verification does to its cells on average.
    """

    order: Order
    programmed: Mapping[str, Programmed]
    expected: Mapping[str, Expected]

    @classmethod
    def of(
        cls, scheme: Selective, chips: Chips, programmed: Mapping[str, Programmed], curvature: Curvature | None
    ) -> Curve:
        """The ranking of ``scheme``; see :func:`mho.memory.selection.order`."""
        weights = {name: chips.model.get_parameter(name).detach() for name in programmed}
        found = order(scheme, programmed, chips.placements, weights, curvature, chips.seed)
        return cls(found, programmed, {n: p.expected(p.scheme) for n, p in programmed.items()})

    def masks(self, fractions: Sequence[float]) -> list[Mask]:
        """What is verified at each fraction."""
        return [None if fraction == 0 else self.order.cut(fraction) for fraction in fractions]

    def cost(self, mask: Mask) -> Cost:
        """What writing a chip costs where ``mask`` is verified."""
        return reduce(add, (self._cost(name, p, mask) for name, p in self.programmed.items()))

    def _cost(self, name: str, p: Programmed, mask: Mask) -> Cost:
        none = torch.zeros((), dtype=torch.bool, device=p.encoded.levels.device)
        return cost(p.scheme, self.expected[name], none if mask is None else mask[name])
