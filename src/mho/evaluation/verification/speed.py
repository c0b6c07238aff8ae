"""How many times fewer write cycles do for nearly the same accuracy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000


def speedup(
    values: NDArray[np.float64], nwc: NDArray[np.float64], drop: float, confidence: float
) -> tuple[float, float, float]:
    """1 / NWC at the fewest cycles whose mean is within ``drop`` of the last point's, and its bootstrap limits.

    Args:
        values: ``(fraction, chip)`` metric, everything verified at the last fraction.
        nwc: ``(fraction,)`` rising.
        drop: of the mean.
        confidence: two-sided.
    """
    chips = values.shape[1]
    if chips < 2:
        return _inverse(nwc, values.mean(1)[:, None], drop)[0], float("nan"), float("nan")
    # Chips are resampled whole, so that what a chip has in common at all fractions stays.
    generator = np.random.default_rng(0)
    picks = generator.integers(chips, size=(RESAMPLES, chips))
    means = np.stack([values[:, pick].mean(1) for pick in picks], axis=1)
    spread = _inverse(nwc, means, drop)
    low, high = np.quantile(spread, [(1 - confidence) / 2, (1 + confidence) / 2], method="inverted_cdf")
    return float(_inverse(nwc, values.mean(1)[:, None], drop)[0]), float(low), float(high)


def _inverse(nwc: NDArray[np.float64], means: NDArray[np.float64], drop: float) -> NDArray[np.float64]:
    good = means >= means[-1] - drop
    with np.errstate(divide="ignore"):
        out: NDArray[np.float64] = 1 / nwc[good.argmax(0)]
    return out
