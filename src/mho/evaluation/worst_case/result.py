"""What a search for the worst chip returns."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from mho.errors import SpecError
from mho.evaluation.population import nulls
from mho.evaluation.worst_case import wording
from mho.evaluation.worst_case.box import Box

ARRAYS = ("found", "searched", "reached")
NOT_KEPT = ("perturbations", "box")


@dataclass(frozen=True, kw_only=True)
class WorstCase:
    """The worst chip found within every bound, beside random chips within the same bound.

    Attributes:
        bounds: largest error of any weight, fractions of its full scale S, ascending. For tolerances, of the layer that
            they leave most room.
        tolerances: largest error of any cell, fractions of its range; ``None`` where bounds were given.
        metric: name of the metric; its values are fractions for accuracies.
        bounded: the metric is a fraction and is shown in percent.
        higher_is_better: the worst chip is the one with the lowest metric.
        digital: the metric of the model as it was passed in, on test data.
        ideal: the metric at the centre of the box (noiseless cells), on test data.
        found: ``(bounds,)`` the metric of the worst chip found, on test data. The true worst chip is as bad or worse.
        searched: ``(bounds,)`` the metric of the same chip on the data searched.
        reached: ``(bounds,)`` largest error of any weight, fraction of S; never more than the bound.
        won: the loss and the start that led to it.
        random: kind to ``(bounds, chips)`` metric of random chips, on test data: ``"gaussian"`` with a standard
            deviation of the bound and clipped there, ``"uniform"``, ``"corners"`` plus or minus the bound.
        label: what tables call it.
        data: name of the test data.
        images: samples of the test data.
        search_data: name of the data searched.
        search_images: samples searched.
        seed: of random starts, random chips and the choice of samples.
        passes: forward and backward passes over the data searched.
        provenance: versions, device, method and wall time.
        perturbations: errors by weight, fractions of S, one mapping a bound; not kept in files.
        box: what errors are added to; not kept in files.
    """

    references: ClassVar[tuple[str, ...]] = ("yan2022worst",)

    bounds: tuple[float, ...]
    tolerances: tuple[float, ...] | None
    metric: str
    bounded: bool
    higher_is_better: bool
    digital: float
    ideal: float
    found: NDArray[np.float64]
    searched: NDArray[np.float64]
    reached: NDArray[np.float64]
    won: tuple[str, ...]
    random: dict[str, NDArray[np.float64]]
    label: str
    data: str
    images: int
    search_data: str
    search_images: int
    seed: int
    passes: int
    provenance: dict[str, Any] = field(default_factory=dict)
    perturbations: tuple[dict[str, Tensor], ...] = field(default=(), repr=False)
    box: Box | None = field(default=None, repr=False)

    @property
    def axes(self) -> dict[str, tuple[float, ...]]:
        """Name and coordinates of the axis of :attr:`found`."""
        return {"bound": self.bounds} if self.tolerances is None else {"tolerance": self.tolerances}

    @property
    def same_data(self) -> bool:
        """Whether the chips were judged on the very samples that they were searched on."""
        return bool(self.provenance.get("same_data", False))

    def __len__(self) -> int:
        return len(self.bounds)

    def worst(self, kind: str, i: int) -> float:
        """The worst random chip of ``kind`` at bound number ``i``; nan where none has a value."""
        values = self.random[kind][i]
        values = values[~np.isnan(values)]
        if not len(values):
            return math.nan
        return float(values.min() if self.higher_is_better else values.max())

    def rows(self) -> list[dict[str, Any]]:
        """One flat record per bound, for tables, CSV and JSON; ``_p1`` is the unlucky random chip in a hundred."""
        out = []
        for i, bound in enumerate(self.bounds):
            row: dict[str, Any] = {"label": self.label, "bound": bound}
            row |= {} if self.tolerances is None else {"tolerance": self.tolerances[i]}
            row |= {"found": float(self.found[i]), "searched": float(self.searched[i])}
            row |= {"reached": float(self.reached[i]), "won": self.won[i]}
            for kind, drawn in self.random.items():
                row |= {f"{kind}_mean": float(drawn[i].mean()), f"{kind}_worst": self.worst(kind, i)}
                row[f"{kind}_p1"] = float(np.percentile(drawn[i], 1 if self.higher_is_better else 99))
            out.append(row)
        return out

    def position(self, bound: float | None) -> int:
        """Number of a bound; ``None`` where there is just one.

        Raises:
            SpecError: no such bound.
        """
        if bound is None and len(self.bounds) == 1:
            return 0
        for i, have in enumerate(self.bounds):
            if bound is not None and math.isclose(have, bound, rel_tol=1e-9):
                return i
        raise SpecError(f"no bound {bound} in this result; it has {', '.join(f'{b:g}' for b in self.bounds)}")

    def chip(self, bound: float | None = None) -> nn.Module:
        """The worst chip found within ``bound``, as an ordinary module.

        Raises:
            SpecError: no such bound, or the result was read from a file, which keeps no weights.
        """
        i = self.position(bound)
        if self.box is None or not self.perturbations:
            raise SpecError("this result was read from a file, which keeps no weights; search again to have the chip")
        return self.box.chip(self.perturbations[i])

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything but weights."""
        out = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in NOT_KEPT}
        out |= {name: nulls(out[name]) for name in ARRAYS}
        out |= {"random": {kind: nulls(values) for kind, values in self.random.items()}}
        return out | {k: out[k] if math.isfinite(out[k]) else None for k in ("digital", "ideal")}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> WorstCase:
        """The result that :meth:`to_dict` wrote, without its weights."""
        data = data | {k: math.nan if data[k] is None else data[k] for k in ("digital", "ideal")}
        made: dict[str, Any] = {name: np.asarray(data[name], dtype=np.float64) for name in ARRAYS}
        made["random"] = {kind: np.asarray(v, dtype=np.float64) for kind, v in data["random"].items()}
        lists = {"bounds": tuple(data["bounds"]), "won": tuple(data["won"])}
        tolerances = None if data["tolerances"] is None else tuple(data["tolerances"])
        return cls(**(data | made | lists | {"tolerances": tolerances}))

    @property
    def answer(self) -> str:
        """The result in a sentence."""
        return wording.answer(self)

    def __str__(self) -> str:
        return wording.shown(self)
