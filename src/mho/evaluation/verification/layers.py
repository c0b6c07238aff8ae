"""One chip written twice: once without verification and once with, from which any selection is put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mho.evaluation.bench import Lot
from mho.evaluation.verification.points import Mask
from mho.mapping.base import Programmed
from mho.programming import OpenLoop


@dataclass(frozen=True)
class Halves:
    """The layers of one chip, unverified and verified.

    A cell's fate does not depend on which others are verified, so the chip of any selection takes each cell from one
    of the two: both are sampled once for all selections.

    Attributes:
        programmed: layer to its cells.
        open: layer to what it reads back as: weights ``(1, *shape)``, or levels where cells are selected.
        verified: the same, verified.
        by_cell: whether these are levels.
    """

    programmed: Mapping[str, Programmed]
    open: Mapping[str, Tensor]
    verified: Mapping[str, Tensor]
    by_cell: bool

    @classmethod
    def of(cls, lot: Lot, chip: int, *, by_cell: bool) -> Halves:
        """Chip number ``chip`` of a lot in which every cell is verified."""
        seed, ids = lot.bench.chips.seed, torch.tensor([chip], device=lot.bench.where)
        halves: tuple[dict[str, Tensor], dict[str, Tensor]] = ({}, {})
        programmed = {name: p for name, p in lot.programmed.items() if isinstance(p, Programmed)}
        for name, p in programmed.items():
            for half, scheme in zip(halves, (OpenLoop(), p.scheme), strict=True):
                read = replace(p, scheme=scheme).written(seed, ids).read
                half[name] = read if by_cell else p.encoded.decode(read)
        return cls(programmed, *halves, by_cell)

    def weights(self, mask: Mask) -> dict[str, Tensor]:
        """Effective weights ``(1, *shape)`` of this chip where ``mask`` is verified."""
        if mask is None:
            mixed = dict(self.open)
        else:
            mixed = {n: torch.where(mask[n], self.verified[n], unverified) for n, unverified in self.open.items()}
        if not self.by_cell:
            return mixed
        return {n: self.programmed[n].encoded.decode(levels) for n, levels in mixed.items()}
