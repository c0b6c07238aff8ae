"""Which layer, or which plane, stuck cells hurt most: the drop when they are there alone."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mho.errors import unknown
from mho.evaluation.faults import wording
from mho.evaluation.faults.curves import position, read_json
from mho.evaluation.population import nulls
from mho.evaluation.statistics import Interval, mean_interval


@dataclass(frozen=True, kw_only=True)
class FaultSensitivity:
    """Metric of every chip with stuck cells in one layer (or one plane) only, and with all of them.

    What is hit alone has the stuck cells that it has among the others: chip i is the same chip in every row.

    Attributes:
        names: layers, patterns of layers, or planes, in the order of the model or of significance.
        of: what they are.
        rates: stuck cells as a fraction of all, ascending.
        values: ``(name, rate, chip)`` metric.
        together: ``(rate, chip)`` the same with stuck cells everywhere.
        baseline: the metric without faults, quantised.
        cells: ``(name,)`` cells that can be stuck.
        memory: what the layers are on (or name rules), as plain data.
        metric: name of the metric; its values are fractions for accuracies.
        images: samples that every chip was judged on.
        higher_is_better: as of accuracy.
        bounded: the metric is a fraction and is shown in percent.
        confidence: two-sided coverage of every interval, each by itself.
        seed: of the chips.
        first_chip: number of the first one.
        label, data: what tables call the model and the test set.
        provenance: versions, device, and wall time.
    """

    names: tuple[str, ...]
    of: Literal["layer", "plane"]
    rates: tuple[float, ...]
    values: NDArray[np.float64]
    together: NDArray[np.float64]
    baseline: float
    cells: tuple[int, ...]
    memory: dict[str, Any]
    metric: str
    images: int
    higher_is_better: bool = True
    bounded: bool = True
    confidence: float = 0.95
    seed: int = 0
    first_chip: int = 0
    label: str = ""
    data: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def chips(self) -> int:
        """Chips of every row."""
        return int(self.values.shape[2])

    def drop(self, name: str, rate: float | None = None) -> Interval:
        """How much worse the mean is than without faults, Student-t interval over chips; positive is worse.

        Args:
            name: one of ``names``, or ``"all"``.
            rate: one of ``rates``; the highest if ``None``.
        """
        j = position(self.rates[-1] if rate is None else rate, self.rates)
        if name not in self.names and name != "all":
            raise unknown(self.of, name, (*self.names, "all"))
        values = self.together[j] if name == "all" else self.values[self.names.index(name), j]
        return mean_interval(
            self.baseline - values if self.higher_is_better else values - self.baseline, self.confidence
        )

    def ranking(self, rate: float | None = None) -> tuple[str, ...]:
        """``names``, the largest mean drop first: what to protect first. Ties keep their order."""
        drops = {name: self.drop(name, rate).value for name in self.names}
        return tuple(sorted(self.names, key=lambda n: -math.inf if math.isnan(drops[n]) else -drops[n]))

    def difference(self, name: str, other: str, rate: float | None = None) -> Interval:
        """Drop of ``name`` less that of ``other``, chip by chip; says whether two ranks can be told apart."""
        j = position(self.rates[-1] if rate is None else rate, self.rates)
        for one in (name, other):
            if one not in self.names:
                raise unknown(self.of, one, self.names)
        a, b = (self.values[self.names.index(one), j] for one in (name, other))
        return mean_interval(b - a if self.higher_is_better else a - b, self.confidence)

    def rows(self) -> list[dict[str, Any]]:
        """One flat record a name and rate (fractions), ``"all"`` last."""
        cells = {**dict(zip(self.names, self.cells, strict=True)), "all": sum(self.cells)}
        out = []
        for name in (*self.names, "all"):
            for rate in self.rates:
                drop = self.drop(name, rate)
                row = {self.of: name, "rate": rate, "cells": cells[name], "drop": drop.value}
                out.append(row | {"drop_low": drop.low, "drop_high": drop.high})
        return out

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything, chip by chip."""
        out = {f.name: getattr(self, f.name) for f in fields(self)}
        out |= {name: list(out[name]) for name in ("names", "rates", "cells")}
        out |= {"values": nulls(self.values), "together": nulls(self.together)}
        return out | {"baseline": self.baseline if math.isfinite(self.baseline) else None}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> FaultSensitivity:
        """What :meth:`to_dict` wrote."""
        lists: dict[str, Any] = {name: tuple(data[name]) for name in ("names", "rates", "cells")}
        arrays = {name: np.asarray(data[name], dtype=np.float64) for name in ("values", "together")}
        baseline = math.nan if data["baseline"] is None else float(data["baseline"])
        return cls(**(data | lists | arrays | {"baseline": baseline}))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything as JSON; :meth:`load` reads it back.

        Raises:
            OutputError: the file could not be written; nothing half-written is left behind.
        """
        from mho.files import write_json

        return write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> FaultSensitivity:
        """What :meth:`save` wrote.

        Raises:
            CheckpointError: the file is missing, or holds something else.
        """
        return cls.from_dict(read_json(path, "fault sensitivities", cls))

    def __str__(self) -> str:
        return wording.sensitivity(self)
