"""XNOR and popcount on the CPU, compiled by numba, which uses the vector popcount of the processor where it has one."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.extending import intrinsic
from numpy.typing import NDArray

from mho.kernels.compiled import compiled
from mho.kernels.threads import in_parts

Floats = NDArray[np.float32]
Words = NDArray[np.uint64]
Pair = tuple[int, int]

WORD = 64
TILE = 512
"""Outputs whose counts are kept at a time: they and four rows of weights stay in the first-level cache."""


def _ones(typing: Any, word: Any) -> Any:
    """How many bits of a word are 1: LLVM's own instruction, which numba has no name for."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return numba.types.uint64(numba.types.uint64), code


_popcount: Any = intrinsic(_ones)


@compiled
def _pack(out, values, first, last):  # type: ignore[no-untyped-def]
    n = values.shape[1]
    whole = n // WORD
    for row in range(first, last):
        for j in range(whole):
            word = np.uint64(0)
            for k in range(WORD):  # of a fixed length, so that it is unrolled
                word |= np.uint64(values[row, j * WORD + k] > 0) << np.uint64(k)
            out[row, j] = word
        if whole < out.shape[1]:
            word = np.uint64(0)
            for k in range(n - whole * WORD):
                word |= np.uint64(values[row, whole * WORD + k] > 0) << np.uint64(k)
            out[row, whole] = word


@compiled
def _look(other, values, first, last):  # type: ignore[no-untyped-def]
    """Set ``other`` if a value in rows ``first`` to ``last`` is neither +1 nor -1."""
    for row in range(first, last):
        odd = 0
        for k in range(values.shape[1]):
            odd += abs(values[row, k]) != 1
        if odd:
            other[0] = True
        if other[0]:
            return


@compiled
def _count(out, words, weights, channels, kernel, stride, padding, dilation, first, last):  # type: ignore[no-untyped-def]
    """Rows ``first`` to ``last`` of the images in ``out`` ``(N, H', W', outputs)``."""
    height, width, deep = words.shape[1:]
    rows, columns, outputs = out.shape[1:]
    patch = np.empty(kernel[0] * kernel[1] * deep, np.uint64)
    places = np.empty(len(patch), np.int64)
    counts = np.empty(TILE, np.int64)
    for line in range(first, last):
        image, row = line // rows, line % rows
        for column in range(columns):
            length = 0
            for i in range(kernel[0]):
                y = row * stride[0] - padding[0] + i * dilation[0]
                if y < 0 or y >= height:
                    continue
                for j in range(kernel[1]):
                    x = column * stride[1] - padding[1] + j * dilation[1]
                    if x < 0 or x >= width:
                        continue
                    for k in range(deep):
                        patch[length] = words[image, y, x, k]
                        places[length] = (i * kernel[1] + j) * deep + k
                        length += 1
            products = length // deep * channels
            for start in range(0, outputs, TILE):
                many = min(TILE, outputs - start)
                counts[:many] = 0
                done = 0
                while done + 4 <= length:
                    p, q, r, s = patch[done], patch[done + 1], patch[done + 2], patch[done + 3]
                    a = weights[places[done], start : start + many]
                    b = weights[places[done + 1], start : start + many]
                    c = weights[places[done + 2], start : start + many]
                    d = weights[places[done + 3], start : start + many]
                    for o in range(many):
                        counts[o] += (
                            _popcount(p ^ a[o]) + _popcount(q ^ b[o]) + _popcount(r ^ c[o]) + _popcount(s ^ d[o])
                        )
                    done += 4
                while done < length:
                    p = patch[done]
                    a = weights[places[done], start : start + many]
                    for o in range(many):
                        counts[o] += _popcount(p ^ a[o])
                    done += 1
                for o in range(many):
                    out[image, row, column, start + o] = np.float32(products - 2 * counts[o])


def _packed(values: Floats) -> Words:
    """``(..., n)`` as ``(..., ceil(n / 64))``: bit k of word j for ``value[64 j + k] > 0``, the bits left over 0."""
    n = values.shape[-1]
    rows = values.reshape(-1, n)
    out = np.empty((len(rows), -(-n // WORD)), np.uint64)
    in_parts(_pack, len(rows), rows.size, out, rows)
    return out.reshape(*values.shape[:-1], -1)


def _all_signs(values: Floats) -> bool:
    rows, other = values.reshape(-1, values.shape[-1]), np.zeros(1, np.bool_)
    in_parts(_look, len(rows), rows.size, other, rows)
    return not other[0]


def sums(inputs: Floats, weight: Floats, stride: Pair, padding: Pair, dilation: Pair) -> Floats | None:
    """Sums of products of ``(N, H, W, channels)`` and ``(outputs, h, w, channels)``, see :mod:`mho.kernels.popcount`.

    Returns:
        ``(N, H', W', outputs)``; ``None`` where an input is neither +1 nor -1.
    """
    if not _all_signs(inputs):
        return None
    words, bits = _packed(inputs), _packed(weight)
    images, channels = inputs.shape[0], inputs.shape[3]
    kernel = weight.shape[1:3]
    size = [(inputs.shape[i + 1] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in (0, 1)]
    out = np.empty((images, *size, len(weight)), np.float32)
    # Outputs side by side: the inner loop then runs over them, in vectors.
    columns = np.ascontiguousarray(bits.reshape(len(weight), -1).T)
    work = out.size * len(columns)
    in_parts(_count, images * size[0], work, out, words, columns, channels, kernel, stride, padding, dilation)
    return out
