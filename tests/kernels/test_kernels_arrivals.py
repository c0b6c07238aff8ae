"""Sparse arrivals: independent uniform numbers of cells, of which only those below a rate are made."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, chi2, kstest

from mho.kernels.arrivals import EDGES, LOWEST, arrivals

KEY = (12345, 67890)
LEVEL = 1e-4  # of every test; keys are fixed, so that each passes always or never


@pytest.mark.parametrize(("rate", "cells"), [(1e-7, 10**8), (1e-4, 10**7), (0.003, 10**6), (0.3, 10**5), (1.0, 10**4)])
def test_as_many_cells_as_the_rate_says(rate, cells):
    places, numbers, _ = arrivals(KEY, 3, cells, rate)
    assert (np.diff(places) > 0).all()
    assert places.size == 0 or (places[0] >= 0 and places[-1] < cells)
    assert ((numbers >= 0) & (numbers < rate)).all()
    assert binomtest(len(places), cells, rate).pvalue > LEVEL


def test_numbers_are_uniform_across_bands_and_places():
    places, numbers, marks = arrivals(KEY, 1, 300_000, 1.0)
    assert len(places) == 300_000
    assert kstest(numbers, "uniform").pvalue > LEVEL
    assert kstest(marks / 2**32, "uniform").pvalue > LEVEL
    places, numbers, _ = arrivals(KEY, 1, 10**8, 2e-4)
    assert kstest(numbers / 2e-4, "uniform").pvalue > LEVEL
    assert kstest(places / 1e8, "uniform").pvalue > LEVEL
    each = np.histogram(numbers, EDGES[EDGES <= 2.0**-13])[0]
    expected = 1e8 * np.diff(EDGES[EDGES <= 2.0**-13])
    assert chi2.sf(float(((each - expected) ** 2 / expected).sum()), len(each)) > LEVEL


def test_neighbours_are_independent():
    """Pairs of adjacent cells that arrive together, at a rate high enough to see them."""
    places, _, _ = arrivals(KEY, 9, 400_000, 0.1)
    pairs = int((np.diff(places) == 1).sum())
    assert abs(pairs - 4000) < 4 * np.sqrt(4000 * 1.2)  # pairs overlap: variance n p^2 (1 + 2 p - 3 p^2)


def test_arrivals_nest_over_rates_and_sizes():
    whole = arrivals(KEY, 5, 10**6, 0.02)
    for rate in (0.0, 1e-6, 3e-4, 0.0078125, 0.011):
        few = arrivals(KEY, 5, 10**6, rate)
        below = whole[1] < rate
        assert all(np.array_equal(a, b[below]) for a, b in zip(few, whole, strict=True))
    part = arrivals(KEY, 5, 123_456, 0.02)
    first = whole[0] < 123_456
    assert all(np.array_equal(a, b[first]) for a, b in zip(part, whole, strict=True))


def test_other_chips_and_streams_have_other_cells():
    one = set(arrivals(KEY, 5, 10**6, 0.01)[0].tolist())
    for other in (
        arrivals(KEY, 6, 10**6, 0.01),
        arrivals(KEY, 5 + 2**32, 10**6, 0.01),
        arrivals((12346, 67890), 5, 10**6, 0.01),
    ):
        assert len(one & set(other[0].tolist())) < 200  # 100 by chance


def test_the_lowest_band_holds_what_is_below_its_edge():
    assert EDGES[1] == 2.0**-LOWEST
    places, numbers, _ = arrivals(KEY, 2, 10**9, 2.0**-22)
    assert binomtest(len(places), 10**9, 2.0**-22).pvalue > LEVEL
    assert numbers.max() < 2.0**-22


def reference(chip: int, cells: int, rate: float) -> dict[int, tuple[float, int]]:
    """The same in plain Python, cell by cell through every band."""
    import math

    import torch

    from mho.kernels.reference import philox

    found: dict[int, tuple[float, int]] = {}
    for band in range(len(EDGES) - 1):
        low, high = float(EDGES[band]), float(EDGES[band + 1])
        if low >= rate:
            break
        among, at, r = (high - low) / (1 - low), 0, 0
        while True:
            counter = tuple(torch.tensor(w) for w in (r, band, chip & 0xFFFFFFFF, chip >> 32))
            w = [int(v) for v in philox(counter, KEY)]
            r += 1
            u = ((w[0] << 21 | w[1] >> 11) + 1) * 2.0**-53
            ahead = at + (0 if among == 1 else math.floor(math.log(u) * (1 / math.log1p(-among))))
            if ahead >= cells:
                break
            at = ahead + 1
            found.setdefault(ahead, (low + (high - low) * w[2] * 2.0**-32, w[3]))
    return {place: value for place, value in found.items() if value[0] < rate}


@pytest.mark.parametrize(("cells", "rate"), [(1, 1.0), (50, 0.9), (2000, 0.05), (20_000, 1e-3)])
@pytest.mark.parametrize("chip", [0, 2**40 + 7])
def test_the_compiled_loop_is_the_plain_one(cells, rate, chip):
    places, numbers, marks = arrivals(KEY, chip, cells, rate)
    expected = reference(chip, cells, rate)
    assert dict(zip(places.tolist(), zip(numbers.tolist(), marks.tolist(), strict=True), strict=True)) == expected
