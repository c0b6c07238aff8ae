"""Chips within a bound: drawn at random, or given; what a lot of an evaluation needs to judge them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
from torch import Tensor

from mho.evaluation.bench import Bench, Lot
from mho.mapping.sampler import Sampler, Source
from mho.rng import Draws

Kind = Literal["gaussian", "uniform", "corners"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""Gaussian with a standard deviation of the bound, clipped at the bound; uniform within it; plus or minus the bound."""


def draw(kind: Kind, draws: Draws, limit: float) -> Tensor:
    """``(chips, *shape)`` errors within ``-limit`` and ``limit``, addressed."""
    if kind == "gaussian":
        return draws.normal("worst case: gaussian").mul_(limit).clamp_(-limit, limit)
    bits = draws.bits(f"worst case: {kind}")
    if kind == "corners":
        return torch.where(bits >= 1 << 31, limit, -limit).to(torch.float32)
    # Centres of 2^32 cells: symmetric, and never quite the bound.
    return ((bits.double() + 0.5) * (2.0**-31) - 1).mul_(limit).to(torch.float32).clamp_(-limit, limit)


@dataclass(frozen=True)
class Drawn(Source):
    """One weight of random chips.

    Attributes:
        layer: name of the parameter.
        mean: ``(*shape)`` weights without errors.
        reach: error at a bound of one, broadcastable.
        kind: how errors are drawn.
        limit: largest error.
    """

    layer: str
    mean: Tensor
    reach: Tensor
    kind: Kind
    limit: float

    def sample(self, seed: int, chips: Tensor, out: Tensor | None = None) -> Tensor:
        """``(chips, *shape)`` weights; chip i draws the same numbers at every limit."""
        draws = Draws(seed, self.layer, chips, tuple(self.mean.shape), self.mean.device)
        return torch.addcmul(self.mean, self.reach, draw(self.kind, draws, self.limit), out=out)

    @property
    def bytes_per_chip(self) -> int:
        """Weights, and the numbers that are drawn for them."""
        return 24 * self.mean.numel()


@dataclass(frozen=True)
class Given(Source):
    """One weight of chips whose errors are known: ``deltas`` ``(chips, *shape)``, over ``reach``."""

    mean: Tensor
    reach: Tensor
    deltas: Tensor

    def sample(self, seed: int, chips: Tensor, out: Tensor | None = None) -> Tensor:
        """``(chips, *shape)`` weights."""
        return torch.addcmul(self.mean, self.reach, self.deltas[chips], out=out)

    @property
    def bytes_per_chip(self) -> int:
        """Weights."""
        return 8 * self.mean.numel()


def random_lot(bench: Bench, reach: dict[str, Tensor], kind: Kind, limit: float, n: int) -> Lot:
    """``n`` random chips on ``bench``, whose chips are the centre of the box."""
    made = {name: Drawn(name, _mean(bench, name), r, kind, limit) for name, r in reach.items()}
    return _lot(bench, made, n)


def given_lot(bench: Bench, reach: dict[str, Tensor], deltas: list[dict[str, Tensor]]) -> Lot:
    """Chips of known errors on ``bench``."""
    made = {n: Given(_mean(bench, n), r, torch.stack([d[n] for d in deltas])) for n, r in reach.items()}
    return _lot(bench, made, len(deltas))


def _mean(bench: Bench, name: str) -> Tensor:
    return bench.chips.model.get_parameter(name).detach()


def _lot(bench: Bench, made: dict[str, Drawn] | dict[str, Given], n: int) -> Lot:
    weights: dict[str, Sampler] = made  # type: ignore[assignment]  # sampled in the same way
    lot = bench.lot(None, 0.0, n)
    # A quarter of the chips at once: random numbers take room beside the weights that the plan counts.
    return replace(lot, programmed=weights, plan=replace(lot.plan, chips=max(1, lot.plan.chips // 4)))
