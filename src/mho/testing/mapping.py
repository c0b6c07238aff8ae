"""What every mapping must satisfy."""

from __future__ import annotations

import math

import torch

from mho.mapping.base import Mapping
from mho.testing.claims import check_spec, say

SHAPES = ((1,), (7,), (3, 5), (4, 3, 3, 3))


def check_mapping(mapping: Mapping, *, draws: int = 2000) -> None:
    """Raise unless ``mapping`` behaves as the rest of the package expects.

    Levels lie in [0, 1]; encoding what cells represent gives the same cells again; the largest weight is represented
    exactly, zeros too; an error of one cell moves the weight by its coefficient; and independent errors of standard
    deviation sigma on all cells of a weight add up to ``kappa sigma S`` (at six standard errors of ``draws`` draws).

    Args:
        mapping: the mapping.
        draws: perturbations per weight.
    """
    check_spec(mapping, Mapping, "mapping")
    generator = torch.Generator().manual_seed(0)
    for shape in SHAPES:
        weight = torch.randn(shape, generator=generator)
        encoded = mapping.encode(weight)
        levels = encoded.levels
        cells = mapping.cells_per_weight
        say(tuple(levels.shape) == (cells, *shape), f"{tuple(levels.shape)} levels for {cells} cells of {shape}")
        say(bool(((levels >= 0) & (levels <= 1)).all()), "a level lies outside [0, 1]")
        stored = encoded.decode(levels)
        say(stored.shape == weight.shape, f"decode gives shape {tuple(stored.shape)} for {shape}")
        again = mapping.encode(stored)
        say(torch.allclose(again.levels, levels, atol=1e-6), "encoding what the cells represent gives other cells")
        top = weight.abs().argmax()
        error = float((stored - weight).reshape(-1)[top].abs())
        say(error <= 1e-5 * float(weight.abs().max()), f"the largest weight is off by {error:g}")
    zeros = mapping.quantise(torch.zeros(2, 3))
    say(bool((zeros == 0).all()), "a tensor of zeros is not represented by zeros")
    _kappa(mapping, draws, generator)


def _kappa(mapping: Mapping, draws: int, generator: torch.Generator) -> None:
    weight = torch.linspace(-1, 1, 33)
    encoded = mapping.encode(weight)
    noise = 0.1 * torch.randn(draws, *encoded.levels.shape, generator=generator)
    errors = encoded.decode(encoded.levels + noise) - encoded.decode(encoded.levels)
    scale = mapping.full_scale(weight, 0)
    measured = float((errors / scale).square().mean().sqrt())
    wanted = 0.1 * mapping.kappa
    tolerance = 6 * wanted / math.sqrt(2 * errors.numel())
    say(abs(measured - wanted) <= tolerance, f"cell errors of 0.1 become {measured:.4f}; kappa says {wanted:.4f}")
