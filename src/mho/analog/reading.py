"""A product of an array with vectors, through the peripherals around it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import linear

from mho import kernels
from mho.analog.peripherals import Peripherals
from mho.rng import stream_key

Noise = Callable[[str, int], Tensor]
"""``(purpose, width) -> (vectors, width)`` standard normals of the vectors that are read."""


def read_noise(seed: int, name: str, chip: int, kind: str, first: int, vectors: int, device: torch.device) -> Noise:
    """Addressed noise of ``vectors`` vectors, the first of which has the number ``first``.

    Args:
        seed: of the conversion.
        name: of the array.
        chip: which device the array is.
        kind: tells reads of different kinds apart: forward, backward, evaluation.
        first: number of the first vector, of this kind.
        vectors: how many there are.
        device: where the numbers are made.
    """

    def draw(purpose: str, width: int) -> Tensor:
        # The vectors take the place that chips have elsewhere: one more of them changes no number of the others.
        numbers = torch.arange(first, first + vectors, dtype=torch.int64)
        out = torch.empty(vectors, width, dtype=torch.float32, device=device)
        return kernels.fill_normal(out, stream_key(seed, f"read {kind} {purpose} chip {chip}", name), numbers)

    return draw


def read(vectors: Tensor, weight: Tensor, scale: float, spec: Peripherals, noise: Noise) -> Tensor:
    """``vectors @ weight.T`` as it is read from an array.

    Args:
        vectors: ``(n, inputs)``.
        weight: ``(outputs, inputs)``, what the array holds times ``scale``.
        scale: weights of the model in one of the array.
        spec: the peripherals.
        noise: of these vectors.

    Returns:
        ``(n, outputs)``, in units of the model.
    """
    if spec.noise_management == "abs-max":
        size = vectors.abs().amax(1, keepdim=True)
        size = torch.where(size > 0, size, 1.0)
    else:
        size = torch.ones(len(vectors), 1, dtype=vectors.dtype, device=vectors.device)
    vectors = vectors / size
    out = _once(vectors, weight, scale, spec, noise, "")
    if spec.output_bound is None or spec.bound_management == "none":
        return out * (size * scale)
    for halving in range(1, spec.halvings + 1):
        clipped = (out.abs() >= spec.output_bound).any(1).nonzero()[:, 0]
        if not len(clipped):
            break
        # Vectors that were not clipped are done; noise is drawn by vector, so theirs is left out.
        again = _once(vectors[clipped] / 2**halving, weight, scale, spec, _some(noise, clipped), f" again {halving}")
        out[clipped] = again
        size[clipped] *= 2
    return out * (size * scale)


def _once(vectors: Tensor, weight: Tensor, scale: float, spec: Peripherals, noise: Noise, which: str) -> Tensor:
    u = _converted(vectors, spec.largest_input, spec.input_bits)
    if spec.input_noise:
        u = u + spec.input_noise * noise(f"in{which}", u.shape[1])
    y = linear(u, weight) / scale
    if spec.output_noise:
        y = y + spec.output_noise * noise(f"out{which}", y.shape[1])
    return _converted(y, spec.output_bound, spec.output_bits)


def _converted(values: Tensor, bound: float | None, bits: int | None) -> Tensor:
    """``values`` on the levels of a converter, ties to even, and within its bound."""
    if bound is None:
        return values
    if bits is not None:
        step = 2 * bound / (2**bits - 2)
        values = torch.round(values / step) * step
    return values.clamp(-bound, bound)


def _some(noise: Noise, rows: Tensor) -> Noise:
    return lambda purpose, width: noise(purpose, width)[rows]
