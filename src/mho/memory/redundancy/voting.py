"""Duplicated planes whose products are voted on where an array's outputs are added up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mho.mapping.plane_code import PlaneCode
from mho.memory.redundancy.duplicated import Duplicated
from mho.memory.redundancy.faults import Errors, Faults, Resolved, Votes
from mho.memory.redundancy.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Voting(Duplicated):
    """``y = q (sum_{b < n-1} 2^b x (B+_b - B-_b) + 2^(n-1) median_k x (B+_k - B-_k))``, k over T copies of a plane.

    Every copy is a candidate with stuck cells of its own; the median is taken element by element of the outputs, after
    both arrays (and all tiles of rows) have been added up. Of T = 3, two candidates that are wrong in opposite
    directions still give the right median.

    Source: [li2024zerospace] Algorithms 1 and 2.

    Attributes:
        copies: T, the original counted; odd for a median.
        planes: how many are protected, the most significant first.
        combine: "median", or "mean" of the candidates.
        scope: "layer", one vote an output; or rows of a tile, after which each is voted on before tiles are added up.
        embed: whether duplicates go where columns are pruned, as far as there is room.
        pools: layers with the same inputs, by patterns of names, whose pruned columns take each other's duplicates:
            ``(("*.query", "*.key", "*.value"),)``. A pattern's ``*`` stands for the same text in all of a pool.
    """

    references: ClassVar[tuple[str, ...]] = ("li2024zerospace",)

    copies: int = 3
    planes: int = 1
    combine: Literal["median", "mean"] = "median"
    scope: Literal["layer"] | int = "layer"

    def __post_init__(self) -> None:
        super().__post_init__()
        odd = self.copies % 2 == 1
        self.check(odd or self.combine == "mean", "copies", "must be odd: the median of an even number is between two")
        if self.scope != "layer":
            self.check(self.scope >= 1, "scope", "must be 'layer' or a number of rows of a tile")

    @property
    def label(self) -> str:
        said = f"vote of {self.copies}" if self.combine == "median" else f"mean of {self.copies}"
        said += f" on {self.planes} planes" if self.planes > 1 else ""
        return said if self.scope == "layer" else f"{said} a tile of {self.scope} rows"

    @property
    def votes(self) -> bool:
        return self.combine == "median"

    @property
    def tile(self) -> int | None:
        return None if self.scope == "layer" else self.scope

    def voted(self, bits: int) -> range:
        return range(bits - self.planes, bits) if self.votes else range(0)

    def shares(self, faults: Faults, code: PlaneCode) -> NDArray[np.float64]:
        out = super().shares(faults, code)
        out[:, code.bits - self.planes :] = 0 if self.votes else 1 / self.copies
        return out

    def resolve(self, faults: Faults, code: PlaneCode, layout: Layout) -> Resolved:
        errors = faults.errors(code)
        guarded = errors.plane >= code.bits - self.planes
        rest, voted = errors.where(~guarded), errors.where(guarded)
        if self.combine == "mean":
            steps = np.concatenate([rest.steps, voted.steps / self.copies])
            column, row = (np.concatenate([getattr(rest, n), getattr(voted, n)]) for n in ("column", "row"))
            return Resolved(column, row, steps)
        return Resolved.of(rest, self._votes(voted, code))

    def _votes(self, errors: Errors, code: PlaneCode) -> Votes:
        """Of the protected planes, the groups (plane, column, tile) in which a majority of the copies is wrong."""
        tile = code.geometry.rows if self.scope == "layer" else self.scope
        tiles = -(-code.geometry.rows // tile)
        group = (errors.plane * code.geometry.columns + errors.column) * tiles + errors.row // tile
        ballot = group * self.copies + errors.copy
        order = np.argsort(ballot, kind="stable")
        ballot = ballot[order]
        groups, hit = np.unique(np.unique(ballot) // self.copies, return_counts=True)
        lost = groups[hit > self.copies // 2]
        starts = np.searchsorted(ballot, (lost[:, None] * self.copies + np.arange(self.copies)).ravel())
        ends = np.searchsorted(ballot, lost * self.copies + self.copies)
        mine = np.isin(ballot // self.copies, lost)
        # Starts count all errors so far; what belongs to no such group is left out.
        before = np.concatenate([[0], np.cumsum(mine)])
        first = before[np.concatenate([starts, ends[-1:] if len(lost) else [0]])]
        return Votes(
            copies=self.copies,
            column=lost // tiles % code.geometry.columns,
            scale=1 << (lost // tiles // code.geometry.columns),
            starts=first,
            row=errors.row[order][mine],
            sign=errors.sign[order][mine],
        )
