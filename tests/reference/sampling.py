"""Orders of images and bounds from them, the obvious way."""

from __future__ import annotations

import math
from fractions import Fraction
from math import comb

from reference.philox import word

from mho.rng import stream_key


def order(seed: int, chip: int, m: int, images: int) -> list[int]:
    """The first ``m`` of a Fisher-Yates shuffle, with Python's integers."""
    key, left, out = stream_key(seed, "images"), list(range(images)), []
    for i in range(m):
        fraction = (word(key, chip, 2 * i) << 32) | word(key, chip, 2 * i + 1)
        j = i + ((fraction * (images - i)) >> 64)
        left[i], left[j] = left[j], left[i]
        out.append(left[i])
    return out


def probability(h: int, m: int, k: int, images: int) -> Fraction:
    """Of h hits among m images drawn without replacement from ``images`` of which ``k`` are hits, exactly."""
    if h < 0 or h > k or m - h < 0 or m - h > images - k:
        return Fraction(0)
    return Fraction(comb(k, h) * comb(images - k, m - h), comb(images, m))


def bounds(h: int, m: int, images: int, error: Fraction) -> tuple[int, int]:
    """Smallest and largest number of hits that ``h`` hits among ``m`` do not speak against."""
    low = min(k for k in range(images + 1) if sum(probability(i, m, k, images) for i in range(h, m + 1)) > error)
    high = max(k for k in range(images + 1) if sum(probability(i, m, k, images) for i in range(h + 1)) > error)
    return low, high


def crossings(looks: list[tuple[int, int]], p: Fraction) -> Fraction:
    """Probability that a binomial walk is below the rank at any look ``(chips, rank)``: every path is followed."""
    alive, chips, crossed = {0: Fraction(1)}, 0, Fraction(0)
    for n, rank in looks:
        for _ in range(n - chips):
            after: dict[int, Fraction] = {}
            for count, weight in alive.items():
                after[count] = after.get(count, Fraction(0)) + weight * (1 - p)
                after[count + 1] = after.get(count + 1, Fraction(0)) + weight * p
            alive = after
        chips = n
        crossed += sum((w for c, w in alive.items() if c < rank), Fraction(0))
        alive = {c: w for c, w in alive.items() if c >= rank}
    return crossed


def betting(values: list[float], error: float) -> tuple[float, float]:
    """Limits of a mean in [0, 1]: every mean of a fine grid is bet against, number by number, from both sides."""
    n = len(values)

    def rich(numbers: list[float], m: float) -> bool:
        capital, total, squares = 1.0, 0.0, 0.0
        for t, x in enumerate(numbers):
            spread = (0.25 + squares) / (t + 1)
            stake = min(math.sqrt(2 * math.log(2 / error) / (n * spread)), 0.9)
            capital *= 1 + stake * (x - m)
            total += x
            squares += (x - (0.5 + total) / (t + 2)) ** 2
        return capital >= 2 / error

    grid = [i / 1000 for i in range(1001)]
    misses = [1 - x for x in values]
    low = min((m for m in grid if not rich(values, m)), default=1.0)
    high = max((m for m in grid if not rich(misses, 1 - m)), default=0.0)
    return low, high
