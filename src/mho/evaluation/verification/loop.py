"""The loop of selective write-verify: verify a little more until the accuracy is good enough, chip by chip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mho.evaluation.bench import Lot
from mho.evaluation.verification.layers import Halves
from mho.evaluation.verification.points import Curve, Mask


@dataclass(frozen=True)
class Loop:
    """Verify the next part of a ranking until the calibration metric is within a drop of the digital network's.

    Attributes:
        fractions: 0, one increment, two, ..., 1.
        masks: ranking by ranking, what is verified at each fraction.
        nwc: the same, normalised write cycles.
        lot: chips on the bench of the calibration data.
        least: metric with which the loop stops.
    """

    fractions: tuple[float, ...]
    masks: tuple[tuple[Mask, ...], ...]
    nwc: tuple[tuple[float, ...], ...]
    lot: Lot
    least: float

    @classmethod
    def of(cls, curves: Sequence[Curve], lot: Lot, *, increment: float, drop: float) -> Loop:
        """The loop over several rankings on the calibration data of ``lot``."""
        fractions = (*np.arange(0, 1 - 1e-9, increment).tolist(), 1.0)
        masks = tuple(tuple(curve.masks(fractions)) for curve in curves)
        nwc = tuple(tuple(c.cost(m).nwc for m in row) for c, row in zip(curves, masks, strict=True))
        return cls(fractions, masks, nwc, lot, lot.bench.digital - drop)

    def run(self, halves: Halves, test: Lot) -> list[tuple[float, float, float]]:
        """One chip: for every ranking the fraction and NWC at which it stops, and the metric on test data there.

        Fraction and NWC are nan where verifying everything does not do.
        """
        out = []
        for masks, nwc in zip(self.masks, self.nwc, strict=True):
            at = next((i for i, m in enumerate(masks) if self._judged(halves, m, self.lot) >= self.least), None)
            reached = self._judged(halves, masks[-1 if at is None else at], test)
            out.append((float("nan"), float("nan"), reached) if at is None else (self.fractions[at], nwc[at], reached))
        return out

    @staticmethod
    def _judged(halves: Halves, mask: Mask, lot: Lot) -> float:
        return float(lot.judge(halves.weights(mask))[0, 0])
