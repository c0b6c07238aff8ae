"""Which weights of a whole model are verified: a ranking pooled over its layers, cut at a fraction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from mho import kernels
from mho.errors import SpecError
from mho.mapping.base import Programmed
from mho.programming import OpenLoop, Selective
from mho.rng import stream_key

if TYPE_CHECKING:
    from mho.memory.deployment import Placement

Curvature = Mapping[str, Tensor]
"""Parameter name to the second derivative of the loss by each weight, ``(*weight.shape)``."""


@dataclass(frozen=True)
class Order:
    """Weights (or cells) of several layers in the order in which they are verified.

    Attributes:
        scores: layer to what the ranking orders by, largest first.
        weights: layer to its float weights, of which the relatively larger come first where scores are equal.
        scales: layer to its full scale.
    """

    scores: dict[str, Tensor]
    weights: Mapping[str, Tensor]
    scales: dict[str, Tensor]

    def cut(self, fraction: float) -> dict[str, Tensor]:
        """Layer to the first ``fraction`` of all, as bool of the scores' shapes; at least one is chosen."""
        scores = torch.cat([t.reshape(-1) for t in self.scores.values()])
        mask = top(scores, self._ties, max(1, round(fraction * len(scores))))
        parts = torch.split(mask, [t.numel() for t in self.scores.values()])
        return {name: part.view(t.shape) for part, (name, t) in zip(parts, self.scores.items(), strict=True)}

    def _ties(self) -> Tensor:
        relative = {n: (self.weights[n].abs() / self.scales[n]).expand(t.shape) for n, t in self.scores.items()}
        return torch.cat([t.reshape(-1) for t in relative.values()])


def order(
    scheme: Selective,
    programmed: Mapping[str, Programmed],
    placements: Mapping[str, Placement],
    weights: Mapping[str, Tensor],
    curvature: Curvature | None,
    seed: int,
) -> Order:
    """The order in which ``scheme`` verifies the weights of ``programmed``, all layers pooled.

    Args:
        scheme: ranking, unit and weighting.
        programmed: parameter name to its cells.
        placements: the same, to the memory that holds it.
        weights: the same, to the float weights.
        curvature: for rankings that need it.
        seed: of random rankings: one for all chips of a deployment.

    Raises:
        SpecError: a ranking lacks its curvature, or that is not of these weights.
    """
    scores, scales = {}, {}
    for name, p in programmed.items():
        weight = weights[name]
        scales[name] = placements[name].memory.mapping.full_scale(weight, placements[name].layer.channel_dim)
        h = _curvature(scheme, name, weight, curvature)
        scores[name] = _scores(scheme, p, weight, scales[name], h, seed)
    return Order(scores, weights, scales)


def choose(
    programmed: dict[str, Programmed],
    placements: Mapping[str, Placement],
    weights: Mapping[str, Tensor],
    curvature: Curvature | None,
    seed: int,
) -> dict[str, Programmed]:
    """``programmed`` with the cells that are verified filled in; layers with one scheme are ranked together.

    Raises:
        SpecError: as :func:`order`, or a scheme leaves open how many are verified.
    """
    schemes = {name: p.scheme for name, p in programmed.items() if isinstance(p.scheme, Selective)}
    out = dict(programmed)
    for scheme in dict.fromkeys(schemes.values()):
        assert isinstance(scheme, Selective)
        if scheme.fraction is None:
            raise SpecError(
                "Selective: target_drop is reached chip by chip, on calibration data; mho.verify does that. "
                "mho.deploy takes fraction="
            )
        group = {name: programmed[name] for name, s in schemes.items() if s == scheme}
        for name, chosen in order(scheme, group, placements, weights, curvature, seed).cut(scheme.fraction).items():
            out[name] = replace(programmed[name], chosen=chosen)
    return out


def check_curvature(placements: Mapping[str, Placement], model: nn.Module, curvature: Curvature | None) -> None:
    """Refuse, before any work, a selective scheme without the curvature that its ranking takes."""
    for name, placement in placements.items():
        if isinstance(placement.memory.programming, Selective):
            _curvature(placement.memory.programming, name, model.get_parameter(name), curvature)


def top(scores: Tensor, ties: Callable[[], Tensor], k: int) -> Tensor:
    """Which ``k`` of ``scores`` are largest, of equal ones those with the larger ``ties()``; ``(n,)`` bool.

    Exactly ``k``, whatever the number of ties; numbers of any size (``torch.quantile`` refuses 16 million).
    """
    n = len(scores)
    if k >= n:
        return torch.ones(n, dtype=torch.bool, device=scores.device)
    if scores.device.type == "cpu":  # several times faster than torch's selection
        limit = torch.from_numpy(np.partition(scores.numpy(), n - k))[n - k]
    else:
        limit = scores.kthvalue(n - k + 1).values
    chosen = scores >= limit
    surplus = int(chosen.sum()) - k
    if surplus:
        equal = (scores == limit).nonzero()[:, 0]
        chosen[equal[ties()[equal].topk(surplus, largest=False).indices]] = False
    return chosen


def _scores(scheme: Selective, p: Programmed, weight: Tensor, scale: Tensor, h: Tensor | None, seed: int) -> Tensor:
    """What the ranking orders by: one number a weight, or one a cell where cells are chosen."""
    ranking = scheme.ranking
    by_cell = scheme.unit == "cell"
    if ranking == "random":
        shape = p.encoded.levels.shape if by_cell else weight.shape
        bits = torch.empty(1, shape.numel(), dtype=torch.int64, device=weight.device)
        kernels.fill_bits(bits, stream_key(seed, "selection", p.layer), torch.zeros(1, dtype=torch.int64))
        return bits.double().view(shape)
    if ranking in ("magnitude", "relative-magnitude"):
        return weight.abs() / (scale if ranking == "relative-magnitude" else 1)
    assert h is not None
    if ranking == "given":
        return h
    if ranking == "saliency":
        return h * weight.square()
    if scheme.weighting == "none":
        score = h * scale.square()
        score = score * _shares(p).square() if by_cell else score
    else:
        gain, cycles = _saved(p, by_cell=by_cell)
        score = h * (gain.clamp(min=0).sqrt() * scale if scheme.weighting == "deviation" else gain / cycles)
    return score.mean().expand(weight.shape) if ranking == "layer" else score


def _shares(p: Programmed) -> Tensor:
    """What each cell of a weight counts for, ``(cells, 1, ...)`` broadcastable to the cells."""
    return p.encoded.coefficients.view(-1, *[1] * (p.encoded.levels.dim() - 1))


def _saved(p: Programmed, *, by_cell: bool) -> tuple[Tensor, Tensor]:
    """What verification takes off half the mean square error of each weight, and its write cycles; or of each cell."""
    before, after = p.expected(OpenLoop()), p.expected(p.scheme)
    shares = 0.5 * p.encoded.coefficients.square()
    if by_cell:
        share = 0.5 * _shares(p).square() * p.encoded.gain.square()
        return share * (before.each("error") - after.each("error")), after.each("cycles")
    gain = before.by_weight("error", shares) - after.by_weight("error", shares)
    return gain * p.encoded.gain.square(), after.by_weight("cycles", torch.ones_like(shares))


def _curvature(scheme: Selective, name: str, weight: Tensor, curvature: Curvature | None) -> Tensor | None:
    method = scheme.measured_by
    if method is None and scheme.ranking != "given":
        return None
    if curvature is None:
        if method is None:
            raise SpecError(
                "Selective: ranking 'given' orders by numbers of yours: mho.deploy(..., sensitivity=numbers)"
            )
        raise SpecError(
            f"Selective: ranking '{scheme.ranking}' needs the model's curvature: mho.deploy(model, memory, "
            f"sensitivity=mho.sensitivity(model, data, method='{method}')), on the command line --sensitivity; "
            "or ranking='magnitude'"
        )
    # What was asked for: where an operator has no rule, another method stands in for it, and says so.
    said = getattr(curvature, "asked", getattr(curvature, "method", method))
    if method is not None and said != method:
        raise SpecError(
            f"Selective: ranking '{scheme.ranking}' was given a sensitivity by '{said}'; compute it with "
            f"method='{method}'"
        )
    if name not in curvature:
        raise SpecError(f"sensitivity of {name}: no such tensor; was it another model?")
    found = torch.as_tensor(curvature[name]).detach().to(weight.device, torch.float32)
    if found.shape != weight.shape:
        raise SpecError(
            f"sensitivity of {name}: shape {tuple(found.shape)}, the weight has {tuple(weight.shape)}; was it another "
            "model?"
        )
    if not bool(torch.isfinite(found).all()):
        raise SpecError(f"sensitivity of {name}: {int((~torch.isfinite(found)).sum())} numbers are NaN or infinite")
    return found
