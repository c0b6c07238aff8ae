"""Chips that are judged a few images at a time, every one on images of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mho.evaluation.bounds import hypergeometric_bounds
from mho.evaluation.orders import image_orders, remaining

FACTOR = 2
"""Every look at a chip has so many times the images of the one before."""
JUDGED = 2**22
"""Hits that are held at once."""


class Source(Protocol):
    """Who judges chips; a :class:`mho.evaluation.Lot`, or a table of which every number is known."""

    def hits(self, chips: Sequence[int], images: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of its own ``images`` ``(chips, m)`` each chip gets right, ``(chips, m)``."""
        ...

    def measure(self, chips: Sequence[int]) -> NDArray[np.float64]:
        """``(metrics, chips)`` on the whole set."""
        ...


class Cohort:
    """The chips of one population, or the same chips of two that are compared, as far as they are known.

    Chips are iid, and chip c is first judged on its first m images, so its score ``y_c`` there is an unbiased estimate
    of what it gets on the whole set and the ``y_c`` are iid. What is learnt later, about chips chosen because of how
    they did, goes into ``hits``, ``low`` and ``high`` and never into ``y``.

    Args:
        sources: one, or two of which the second is compared with the first.
        seed: of the deployment; decides every chip's order of images.
        images: size of the test set.
        error: probability, a chip and a side, that any of its bounds is wrong.
        first_chip: number of the first chip.
        counted: the metric is a mean of hits; otherwise every chip is judged on the whole set.
        span: limits of the metric, with two sources of the difference; ``None`` where it has none. Of hits it is known.

    Attributes:
        m: images of every chip's first look.
        y: ``(chips,)`` score at the first look, of two sources the difference.
        within: ``(chips,)`` variance of an image's contribution to ``y``, unbiased.
        hits, seen: ``(sources, chips)`` so far, of how many images.
        low, high: ``(sources, chips)`` bounds on the metric of the whole set.
        spent: chip-images judged.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        seed: int,
        images: int,
        error: float,
        first_chip: int = 0,
        counted: bool = True,
        span: tuple[float, float] | None = None,
    ) -> None:
        self.sources, self.seed, self.images, self.first_chip = tuple(sources), seed, images, first_chip
        self.error, self.counted = error, counted
        self.span = (float(1 - len(self.sources)), 1.0) if counted else span
        self.m, self.spent = images, 0
        self._start()

    def _start(self) -> None:
        k = len(self.sources)
        self.y, self.within = np.empty(0), np.empty(0)
        self.hits, self.seen = np.empty((k, 0)), np.empty((k, 0), np.int64)
        self.low, self.high = np.empty((k, 0)), np.empty((k, 0))

    def __len__(self) -> int:
        return len(self.y)

    @property
    def values(self) -> NDArray[np.float64]:
        """``(sources, chips)`` best estimate of every chip."""
        return self.hits / self.seen

    @property
    def looks(self) -> tuple[int, ...]:
        """Images at every look at a chip: m, 2m, 4m, ..., all."""
        out = [self.m]
        while out[-1] < self.images:
            out.append(min(self.images, FACTOR * out[-1]))
        return tuple(out)

    @property
    def noise(self) -> float:
        """Variance of ``y_c`` around chip c's own metric: ``mean(S_c^2) (1/m - 1/N)``, which m = N leaves none of."""
        return float(self.within.mean()) * (1 / self.m - 1 / self.images) if len(self) else 0.0

    @property
    def between(self) -> float:
        """Variance between chips, that of ``y`` less the noise; unbiased, so it may be negative. 0 for one chip."""
        return float(self.y.var(ddof=1)) - self.noise if len(self) > 1 else 0.0

    def grow(self, n: int, m: int | None = None) -> None:
        """Judge chips until there are ``n``; with ``m``, from the start, on so many images each."""
        if m is not None and m != self.m:
            self.m = m
            self._start()
        new = np.arange(len(self), n)
        if not len(new):
            return
        parts = (
            list(self._judged(tuple(range(len(self.sources))), new, 0, self.m)) if self.counted else [self._whole(new)]
        )
        total, first, square = (np.concatenate([part[i] for part in parts], axis=-1) for i in range(3))
        y, shape = first / self.m, (len(self.sources), len(new))
        self.y = np.append(self.y, y)
        spread = (square / self.m - y**2) * self.m / max(1, self.m - 1)
        self.within = np.append(self.within, spread if self.counted else np.zeros(len(new)))
        self.hits = np.hstack([self.hits, total])
        self.seen = np.hstack([self.seen, np.full(shape, self.m)])
        low, high = self._bounds(total, self.m) if self.counted else (total / self.m, total / self.m)
        self.low, self.high = np.hstack([self.low, low]), np.hstack([self.high, high])

    def refine(self, source: int, chips: NDArray[np.int64]) -> None:
        """Give ``chips`` of one source (all of which have seen equally many images) their next look."""
        now = int(self.seen[source, chips[0]])
        then = next(look for look in self.looks if look > now)
        parts = list(self._judged((source,), chips, now, then))
        self.hits[source, chips] += np.concatenate([part[0][0] for part in parts])
        self.seen[source, chips] = then
        low, high = self._bounds(self.hits[source, chips], then)
        self.low[source, chips] = np.maximum(self.low[source, chips], low)
        self.high[source, chips] = np.minimum(self.high[source, chips], high)

    def _bounds(self, hits: NDArray[np.float64], look: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        # A chip's error is shared by the looks that do not see everything; the last one is exact.
        low, high = hypergeometric_bounds(look, self.images, self.error / max(1, len(self.looks) - 1))
        index = hits.astype(np.int64)
        return low[index] / self.images, high[index] / self.images

    def _judged(
        self, which: tuple[int, ...], chips: NDArray[np.int64], now: int, then: int
    ) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
        """Hits ``(sources, chips)`` among each chip's images ``now`` to ``then``; sums of contributions and squares."""
        rows = max(1, JUDGED // (then - now))
        for start in range(0, len(chips), rows):
            numbers = (chips[start : start + rows] + self.first_chip).tolist()
            images = self._images(numbers, now, then)
            found = np.stack([self.sources[s].hits(numbers, images) for s in which])
            self.spent += found.size
            each = found[0].astype(np.int8) if len(which) == 1 else found[1].astype(np.int8) - found[0].astype(np.int8)
            sums = found.sum(axis=-1).astype(np.float64)
            yield sums, each.sum(axis=-1, dtype=np.float64), np.square(each).sum(axis=-1, dtype=np.float64)

    def _images(self, numbers: list[int], now: int, then: int) -> NDArray[np.int64]:
        if then < self.images:
            return np.ascontiguousarray(image_orders(self.seed, numbers, then, self.images)[:, now:])
        return remaining(image_orders(self.seed, numbers, now, self.images), self.images)

    def _whole(self, chips: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
        numbers = (chips + self.first_chip).tolist()
        total = self.images * np.stack([source.measure(numbers)[0] for source in self.sources])
        self.spent += total.size * self.images
        first = total[0] if len(total) == 1 else total[1] - total[0]
        return total, first, np.zeros_like(first)
