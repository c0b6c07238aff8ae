"""Reading one vector from an array through converters, number by number; and the vectors of a convolution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def on_levels(value: float, bound: float | None, bits: int | None) -> float:
    if bound is None:
        return value
    if bits is not None:
        step = 2 * bound / (2**bits - 2)
        value = round(value / step) * step  # Python rounds halves to even
    return min(max(value, -bound), bound)


def read_vector(
    x: Sequence[float],
    weight: Array,
    *,
    input_bits: int | None,
    input_bound: float | None,
    output_bits: int | None,
    output_bound: float | None,
    abs_max: bool,
    halvings: int,
) -> list[float]:
    """One vector of inputs to one of outputs, without noise; ``weight`` ``(outputs, inputs)``."""
    largest = max(abs(v) for v in x) if abs_max else 1.0
    largest = largest or 1.0
    for halving in range(halvings + 1):
        inputs = [on_levels(v / largest / 2**halving, input_bound, input_bits) for v in x]
        raw = [sum(w * u for w, u in zip(row, inputs, strict=True)) for row in weight]
        outputs = [on_levels(y, output_bound, output_bits) for y in raw]
        if output_bound is None or all(abs(y) < output_bound for y in outputs):
            break
    return [y * largest * 2**halving for y in outputs]


def windows(
    x: Array, d: Array, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int], groups: int
) -> Iterator[tuple[int, Array, Array]]:
    """Group, inputs under the kernel and errors of every output, sample by sample and row by row.

    ``x`` is ``(N, channels, ...)``, padded; ``d`` is ``(N, outputs, ...)``.
    """
    each, outs = x.shape[1] // groups, d.shape[1] // groups
    for sample, group in product(range(len(x)), range(groups)):
        for place in np.ndindex(*d.shape[2:]):
            taken = [
                slice(p * s, p * s + r * (k - 1) + 1, r)
                for p, s, r, k in zip(place, stride, dilation, kernel, strict=True)
            ]
            part = x[(sample, slice(group * each, (group + 1) * each), *taken)]
            yield group, part.reshape(-1), d[(sample, slice(group * outs, (group + 1) * outs), *place)]
