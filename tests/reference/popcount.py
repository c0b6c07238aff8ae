"""Sums of products of +1 and -1, one product at a time."""

from __future__ import annotations

from torch import Tensor, zeros


def sign(value: float) -> int:
    return 1 if value > 0 else -1


def linear(inputs: Tensor, weight: Tensor) -> Tensor:
    """``inputs (n, k) @ signs(weight (m, k)).T``."""
    out = zeros(len(inputs), len(weight))
    for i, row in enumerate(inputs.tolist()):
        for j, column in enumerate(weight.tolist()):
            out[i, j] = sum(int(x) * sign(w) for x, w in zip(row, column, strict=True))
    return out


def convolve(
    inputs: Tensor, weight: Tensor, *, stride: tuple[int, int], padding: tuple[int, int], dilation: tuple[int, int]
) -> Tensor:
    """Every output pixel over its window; what lies outside the image is skipped."""
    images, channels, height, width = inputs.shape
    outputs, _, rows, columns = weight.shape
    high = (height + 2 * padding[0] - dilation[0] * (rows - 1) - 1) // stride[0] + 1
    wide = (width + 2 * padding[1] - dilation[1] * (columns - 1) - 1) // stride[1] + 1
    pixels, taps, out = inputs.tolist(), weight.tolist(), zeros(images, outputs, high, wide)
    for n in range(images):
        for o in range(outputs):
            for r in range(high):
                for c in range(wide):
                    total = 0
                    for i in range(rows):
                        for j in range(columns):
                            y = r * stride[0] - padding[0] + i * dilation[0]
                            x = c * stride[1] - padding[1] + j * dilation[1]
                            if 0 <= y < height and 0 <= x < width:
                                total += sum(int(pixels[n][k][y][x]) * sign(taps[o][k][i][j]) for k in range(channels))
                    out[n, o, r, c] = total
    return out
