"""What each layer costs at each track length and fault rate: the table that papers print, read off curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mho.evaluation.population import nulls
from mho.text import table
from mho.units import percent, significant

Grid = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """Loss of the metric when one layer alone ages, over track lengths and fault rates.

    Nothing here is simulated: every cell is the curve of its layer, smoothed to be monotone, at the cell's exposure.

    Attributes:
        layers: layer names, in the order of the model.
        bits: track lengths, bits of a nanowire.
        rates: fault rates of a single-step shift.
        inferences: inferences after which the metric is taken.
        exposure: ``(layer, rate, bits)`` expected faults of a full nanowire in that time.
        drop: ``(layer, rate, bits)`` how much worse the metric is than without faults; positive is worse.
        low, high: the same shape, confidence limits of the drop over chips.
        outside: the same shape, whether the exposure is more than was measured; the drop is then that of the largest
            exposure measured, which is less than the true one.
        below: the same shape, whether it is less than was measured; the drop is then that of the smallest exposure
            measured, which is more than the true one. Where that one's interval contains 0, the drop is 0 instead and
            no cell is marked.
        metric: name of the metric; drops are fractions for accuracies.
        bounded: the metric is a fraction and is shown in percent.
        confidence: two-sided coverage of the limits.
        label, data: what tables call the memory and the test set.
    """

    layers: tuple[str, ...]
    bits: tuple[int, ...]
    rates: tuple[float, ...]
    inferences: int
    exposure: Grid
    drop: Grid
    low: Grid
    high: Grid
    outside: NDArray[np.bool_]
    below: NDArray[np.bool_]
    metric: str
    bounded: bool = True
    confidence: float = 0.95
    label: str = ""
    data: str = ""

    def rows(self) -> list[dict[str, Any]]:
        """One flat record a cell (fractions)."""
        return [
            {
                "layer": layer,
                "rate": rate,
                "bits": bits,
                "inferences": self.inferences,
                "exposure": float(self.exposure[i, j, k]),
                "drop": float(self.drop[i, j, k]),
                "drop_low": float(self.low[i, j, k]),
                "drop_high": float(self.high[i, j, k]),
                "outside": bool(self.outside[i, j, k]),
                "below": bool(self.below[i, j, k]),
            }
            for i, layer in enumerate(self.layers)
            for j, rate in enumerate(self.rates)
            for k, bits in enumerate(self.bits)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        arrays = {name: nulls(getattr(self, name)) for name in ("exposure", "drop", "low", "high")}
        return {
            **{name: list(getattr(self, name)) for name in ("layers", "bits", "rates")},
            **{
                name: getattr(self, name) for name in ("inferences", "metric", "bounded", "confidence", "label", "data")
            },
            **arrays,
            "outside": self.outside.tolist(),
            "below": self.below.tolist(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> HeatMap:
        """The table that :meth:`to_dict` wrote."""
        arrays = {name: np.asarray(data[name], dtype=np.float64) for name in ("exposure", "drop", "low", "high")}
        lists = {name: tuple(data[name]) for name in ("layers", "bits", "rates")}
        outside = np.asarray(data["outside"], dtype=np.bool_)
        # Older files do not say.
        below = np.asarray(data.get("below", np.zeros_like(outside)), dtype=np.bool_)
        return cls(**(data | lists | arrays | {"outside": outside, "below": below}))

    def __str__(self) -> str:
        show = percent if self.bounded else significant
        header = ["layer", "fault rate", *map(str, self.bits)]
        rows = [
            [
                layer if j == 0 else "",
                f"{rate:g}",
                *(
                    ("≥" if self.outside[i, j, k] else "≤" if self.below[i, j, k] else "")
                    + show(float(self.drop[i, j, k]))
                    for k in range(len(self.bits))
                ),
            ]
            for i, layer in enumerate(self.layers)
            for j, rate in enumerate(self.rates)
        ]
        unit = " in points" if self.bounded else ""
        title = (
            f"Drop of {self.metric}{unit} after {self.inferences} inferences when one layer alone ages, by bits of a "
            f"track; read off the curves of {self.label}, smoothed to rise with exposure"
            + "; ≥: beyond the largest exposure measured" * bool(self.outside.any())
            + "; ≤: below the smallest exposure measured" * bool(self.below.any())
        )
        return table(header, rows, title=title)
