"""One curve a layer: the metric when that layer alone ages, over the expected faults of a nanowire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mho.errors import SpecError, unknown
from mho.evaluation.arguments import check_choice, check_counts
from mho.evaluation.population import nulls
from mho.evaluation.statistics import Interval, mean_interval
from mho.memory import Memory
from mho.racetrack.exposure import exposure_of, on_tracks
from mho.racetrack.heat_map import HeatMap
from mho.racetrack.isotonic import Monotone
from mho.racetrack.misreading import equivalent, misread
from mho.spec import from_dict
from mho.text import table
from mho.units import percent, significant

BITS = (64, 32, 16, 8, 4, 2)
RATES = (1e-4, 4.55e-5, 1e-5)


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Metric of every chip when one layer alone ages.

    The exposure of a layer is ``passes x shifts x rate`` [bereholschi2024netdrift]: the expected faults of its longest
    nanowire. Track length and fault rate matter mostly through it, not only: ends of short tracks read themselves
    (:meth:`heat_map` accounts for that), a layer of few nanowires loses more on average the fewer they are, and inputs
    that resemble their neighbours, such as pixels, hide a slip of a whole row. In a small network these move the mean
    at one exposure by up to 17 points between tracks of 64 and 4 bits; measure at the track length that counts.

    Attributes:
        layers: layer names, in the order of the model.
        exposure: ``(layer, point)`` expected faults of a full nanowire, ascending.
        inferences: ``(layer, point)`` the ages at which the memory has these exposures.
        values: ``(layer, point, chip)`` metric; the same chip at every point of a layer.
        baseline: metric without faults.
        shapes: weight shape of every layer.
        memory: what the layers are on.
        metric: name of the metric; its values are fractions for accuracies.
        images: samples that every chip was judged on.
        higher_is_better: as of accuracy.
        bounded: the metric is a fraction and is shown in percent.
        confidence: two-sided coverage of every interval.
        seed: of the deployment.
        first_chip: number of the first chip.
        label, data: what tables call the memory and the test set.
        provenance: versions, device, and wall time.
    """

    layers: tuple[str, ...]
    exposure: NDArray[np.float64]
    inferences: NDArray[np.int64]
    values: NDArray[np.float64]
    baseline: float
    shapes: tuple[tuple[int, ...], ...]
    memory: Memory
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

    def of(self, layer: str) -> list[Interval]:
        """Mean over chips at every point of a layer, as measured."""
        return [mean_interval(values, self.confidence) for values in self.values[self._index(layer)]]

    def monotone(self, layer: str) -> Monotone:
        """The curve of a layer as a function that never rises (falls, where lower is better) with exposure."""
        i = self._index(layer)
        return Monotone.fit(
            self.exposure[i], self.values[i], self.baseline, falling=self.higher_is_better, confidence=self.confidence
        )

    def drop(self, layer: str, exposure: float) -> Interval:
        """How much worse the metric is at ``exposure`` than without faults; positive is worse.

        Between points the curve is straight in the logarithm of the exposure, below the first one in the exposure;
        beyond the last it stays where it was. Where chance made it fall with exposure it is smoothed: neighbours are
        averaged, so that it only rises, and nothing is better than without faults.
        """
        return self.monotone(layer).drop(exposure)

    def place(
        self, layer: str, memory: Memory, inferences: float, *, alike: Literal["misreads", "exposure"] = "misreads"
    ) -> float:
        """The exposure of this curve that stands for ``inferences`` on another ``memory``; see :meth:`heat_map`.

        Infinite where it misreads more than at any exposure measured.
        """
        i = self._index(layer)
        exposure, most = inferences * exposure_of(memory, self.shapes[i]), float(self.exposure[i, -1])
        if alike == "exposure" or memory == self.memory:
            return exposure
        return equivalent(self.memory, self.shapes[i], misread(memory, self.shapes[i], exposure), most)

    def heat_map(
        self,
        bits: Sequence[int] | None = None,
        rates: Sequence[float] | None = None,
        inferences: int = 100,
        *,
        alike: Literal["misreads", "exposure"] = "misreads",
    ) -> HeatMap:
        """The drops of all layers at other track lengths and fault rates, after ``inferences``.

        Args:
            bits: track lengths; the memory's own and those of :data:`BITS` that its mapping can have if ``None``.
            rates: fault rates of a shift; that of the memory and :data:`RATES` if ``None``.
            inferences: the age.
            alike: where the curve is read off: at the exposure that misreads as many bits (:func:`misread`), or at the
                same exposure. They differ where tracks are so short that their ends count.

        Raises:
            SpecError: an argument is out of range; the device has rates of its own for rewinding, so that no single
                rate describes it.
        """
        check_choice("alike", alike, Literal["misreads", "exposure"])
        check_counts(inferences=inferences)
        own = on_tracks(self.memory)[0]
        if rates is None:
            usual = {own.fault_rate} if own.rewind_rates else {*RATES, own.fault_rate}
            rates = sorted(usual - {0.0}, reverse=True)
        if own.rewind_rates and set(rates) != {own.fault_rate}:
            raise SpecError(
                "heat_map: the device has rewind_rates, which no other fault rate goes with; leave them out, or take "
                f"rates=({own.fault_rate:g},)"
            )
        if bits is None:
            mapping = on_tracks(self.memory)[1]
            bits = sorted({mapping.bits, *(length for length in BITS if _fits(self.memory, length))}, reverse=True)
        shape = (len(self.layers), len(rates), len(bits))
        exposure, drop, low, high, place = (np.full(shape, np.nan) for _ in range(5))
        below = np.zeros(shape, np.bool_)
        for i, layer in enumerate(self.layers):
            curve = self.monotone(layer)
            for j, rate in enumerate(rates):
                for k, length in enumerate(bits):
                    memory = self.memory.replace(
                        device=self.memory.device.replace(fault_rate=float(rate)),
                        mapping=self.memory.mapping.replace(bits=int(length)),
                    )
                    there = self.place(layer, memory, inferences, alike=alike)
                    (drop[i, j, k], low[i, j, k], high[i, j, k]), below[i, j, k] = curve.bound(there)
                    exposure[i, j, k], place[i, j, k] = inferences * exposure_of(memory, self.shapes[i]), there
        return HeatMap(
            layers=self.layers,
            bits=tuple(int(b) for b in bits),
            rates=tuple(float(r) for r in rates),
            inferences=inferences,
            exposure=exposure,
            drop=drop,
            low=low,
            high=high,
            outside=place > self.exposure[:, -1, None, None] * (1 + 1e-9),
            below=below,
            metric=self.metric,
            bounded=self.bounded,
            confidence=self.confidence,
            label=self.label,
            data=self.data,
        )

    def rows(self) -> list[dict[str, Any]]:
        """One flat record a layer and point (fractions)."""
        return [
            {
                "layer": layer,
                "exposure": float(self.exposure[i, j]),
                "inferences": int(self.inferences[i, j]),
                "mean": mean.value,
                "mean_low": mean.low,
                "mean_high": mean.high,
            }
            for i, layer in enumerate(self.layers)
            for j, mean in enumerate(self.of(layer))
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything, chip by chip."""
        from dataclasses import fields

        out = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays = {
            "exposure": nulls(self.exposure),
            "inferences": self.inferences.tolist(),
            "values": nulls(self.values),
        }
        return out | arrays | {"memory": self.memory.to_dict(), "shapes": [list(s) for s in self.shapes]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Curves:
        """The curves that :meth:`to_dict` wrote."""
        made = {
            "layers": tuple(data["layers"]),
            "shapes": tuple(tuple(s) for s in data["shapes"]),
            "memory": from_dict(data["memory"]),
            "inferences": np.asarray(data["inferences"], dtype=np.int64),
        }
        arrays = {k: np.asarray(data[k], dtype=np.float64) for k in ("exposure", "values")}
        return cls(**(data | made | arrays))

    def __str__(self) -> str:
        show = percent if self.bounded else significant
        rows = [
            [
                layer if j == 0 else "",
                f"{self.exposure[i, j]:.3g}",
                str(self.inferences[i, j]),
                f"{show(mean.value)} [{show(mean.low)}, {show(mean.high)}]",
                show(self.drop(layer, float(self.exposure[i, j])).value),
            ]
            for i, layer in enumerate(self.layers)
            for j, mean in enumerate(self.of(layer))
            if j == 0 or self.inferences[i, j] > self.inferences[i, j - 1]
        ]
        title = (
            f"{self.label}: {self.metric}{' in %' if self.bounded else ''} when one layer alone ages, "
            f"{self.values.shape[2]} chips, {self.images} samples, seed {self.seed}; without faults "
            f"{show(self.baseline)}; [{100 * self.confidence:g} % intervals over chips]; "
            "drops are smoothed to rise with exposure"
        )
        return table(["layer", "exposure", "inferences", "mean", "smoothed drop"], rows, title=title)

    def _index(self, layer: str) -> int:
        if layer not in self.layers:
            raise unknown("layer", layer, self.layers)
        return self.layers.index(layer)


def _fits(memory: Memory, bits: int) -> bool:
    """Whether the mapping of ``memory`` can have tracks of ``bits``: a weight and a port take some."""
    try:
        memory.mapping.replace(bits=bits)
    except SpecError:
        return False
    return True
