"""How likely is the worst chip found? One weight at a time, for small networks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mho.errors import SpecError
from mho.evaluation.arguments import check_counts
from mho.evaluation.bench import Bench
from mho.evaluation.metrics import METRICS, Metric, UserMetric
from mho.evaluation.worst_case.arguments import samples
from mho.evaluation.worst_case.chips import given_lot
from mho.evaluation.worst_case.result import WorstCase
from mho.evaluation.worst_case.scan import Scanned
from mho.progress import progress

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Likelihood:
    """Estimated probability that Gaussian errors land where the metric is no better than at the chip found.

    Attributes:
        log10: decimal logarithm of the probability.
        layers: what every weight tensor adds to it.
        sigma: standard deviation of the errors, fraction of S.
        bound: within which the chip was found.
        value: metric of that chip on the data looked at.
        weights: weights that were scanned.
        narrowed: weights that may not go as far as the scan does, one way or both.
        images: samples looked at.
        data: their name.
    """

    references: ClassVar[tuple[str, ...]] = ("yan2022worst",)

    log10: float
    layers: dict[str, float]
    sigma: float
    bound: float
    value: float
    weights: int
    narrowed: int
    images: int
    data: str

    def __str__(self) -> str:
        return (
            f"probability 10^{self.log10:.4g} of errors of sigma {self.sigma:g} that are as bad as the chip found "
            f"within {self.bound:g}: {self.narrowed:,} of {self.weights:,} weights are tied to an interval "
            f"({self.images:,} samples of {self.data})"
        )


def likelihood(
    worst: WorstCase,
    data: Any,
    *,
    bound: float | None = None,
    sigma: float | None = None,
    points: int = 21,
    span: float = 2.0,
    metric: str | Metric | UserMetric | None = None,
    images: int | None = None,
    most: int = 20_000,
    device: torch.device | str | None = None,
    batch_size: int | None = None,
    show_progress: bool = True,
) -> Likelihood:
    """How likely are errors as bad as those found? ``P = prod_i (Phi(b_i / sigma) - Phi(a_i / sigma))``.

    Weight by weight, the others held at the chip found, the error is moved over a grid: ``[a_i, b_i]`` is the interval
    around the one found on which the metric is no better than there, ending half-way to the first point where it is;
    infinite where the grid ends first. An estimate and no bound: weights are taken one at a time [yan2022worst]. It
    judges ``points`` networks a weight, so it is for small networks.

    Args:
        worst: what :func:`mho.worst_case` returned.
        data: samples that decide what is as bad.
        bound: which of its bounds; the only one if ``None``.
        sigma: standard deviation of the errors, fraction of S; the bound if ``None``.
        points: of the grid.
        span: the grid goes from minus to plus so many bounds.
        metric: as for the search; the one of ``worst`` if ``None``.
        images: how many samples, in the order of the seed of ``worst``; all of them unless given.
        most: larger networks are refused: 20,000 weights at 21 points are 420,000 networks to judge.
        device: where to run; where the model is if ``None``.
        batch_size: samples per pass; chosen from the size of the activations if ``None``.
        show_progress: draw a bar on a terminal when it takes longer than two seconds.

    Raises:
        SpecError: a larger network, an argument out of range, or a result that was read from a file.
    """
    if not isinstance(worst, WorstCase):
        raise SpecError(f"likelihood takes what mho.worst_case returned, not a {type(worst).__name__}")
    i = worst.position(bound)
    if worst.box is None or not worst.perturbations:
        raise SpecError("this result was read from a file, which keeps no weights; search again")
    limit, found = worst.bounds[i], worst.perturbations[i]
    sigma = limit if sigma is None else float(sigma)
    check_counts(images=images, most=most, points=points, batch_size=batch_size)
    if not (0 < sigma <= 1 and points >= 3 and span >= 1):
        raise SpecError(
            f"sigma={sigma:g} must be a fraction of the full scale, points={points} three or more, "
            f"span={span:g} one or more"
        )
    n = sum(d.numel() for d in found.values())
    if n > most:
        raise SpecError(
            f"the network has {n:,} weights, and each is judged at {points} points: {n * points:,} networks; most={n} "
            "allows it"
        )
    bench, reach, deltas = _bench(worst, samples(data, images, worst.seed), metric, device, batch_size, found)
    value = float(given_lot(bench, reach, [deltas]).measure([0])[0, 0])
    grid = np.linspace(-span * limit, span * limit, points)
    centre = {name: bench.chips.model.get_parameter(name).detach() for name in reach}
    values = np.empty((n, points))
    with progress(f"{worst.label}: scanning weights", n * points, enabled=show_progress) as bar:
        lot, first, made = bench.lot(None, 0.0, n * points), 0, {}
        for name, delta in deltas.items():
            made[name] = Scanned(centre[name], reach[name], delta, torch.from_numpy(grid).float(), first)
            first += delta.numel()
        lot = replace(lot, programmed=made)  # type: ignore[arg-type]  # sampled in the same way
        # A row of numbers a metric is kept, so a layer's worth of chips at a time.
        for name, scanned in made.items():
            begin, end = scanned.first * points, (scanned.first + deltas[name].numel()) * points
            values[scanned.first : end // points] = lot.measure(range(begin, end), bar.advance)[0].reshape(-1, points)
    as_bad = values <= value if worst.higher_is_better else values >= value
    errors = np.concatenate([d.double().cpu().reshape(-1).numpy() for d in deltas.values()])
    low, high = intervals(errors, grid, as_bad)
    each = _log10_mass(low / sigma, high / sigma)
    ends = np.cumsum([0, *(d.numel() for d in deltas.values())])
    return Likelihood(
        log10=float(each.sum()),
        layers={name: float(each[a:b].sum()) for name, a, b in zip(deltas, ends[:-1], ends[1:], strict=True)},
        sigma=sigma,
        bound=limit,
        value=value,
        weights=n,
        narrowed=int((np.isfinite(low) | np.isfinite(high)).sum()),
        images=len(bench.data),
        data=bench.data.name,
    )


def intervals(errors: Values, grid: Values, as_bad: NDArray[np.bool_]) -> tuple[Values, Values]:
    """The interval around each of ``errors`` ``(n,)`` on which ``as_bad`` ``(n, points)`` holds without a gap."""
    low, high = np.full(len(errors), -math.inf), np.full(len(errors), math.inf)
    for i, (error, row) in enumerate(zip(errors, as_bad, strict=True)):
        above = int(np.searchsorted(grid, error))
        fails = np.flatnonzero(~row)
        left, right = fails[fails < above], fails[fails >= above]
        if len(left):
            last = left[-1]
            low[i] = (grid[last] + (grid[last + 1] if last + 1 < above else error)) / 2
        if len(right):
            last = right[0]
            high[i] = (grid[last] + (grid[last - 1] if last - 1 >= above else error)) / 2
    return low, high


def _log10_mass(low: Values, high: Values) -> Values:
    """``log10(Phi(high) - Phi(low))`` without cancellation in the tails."""
    from scipy.special import log_ndtr

    flip = low > 0
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    with np.errstate(divide="ignore"):
        mass = log_ndtr(b) + np.log1p(-np.exp(log_ndtr(a) - log_ndtr(b)))
    return np.asarray(mass / math.log(10))


def _bench(
    worst: WorstCase,
    data: Any,
    metric: str | Metric | UserMetric | None,
    device: torch.device | str | None,
    batch_size: int | None,
    found: dict[str, Tensor],
) -> tuple[Bench, dict[str, Tensor], dict[str, Tensor]]:
    """The bench, the error of every weight at one S, and the errors found."""
    assert worst.box is not None
    if metric is None:
        metric = next((m for m in METRICS.values() if m.name == worst.metric), None)
        if metric is None:
            raise SpecError(f"give metric=, the function that was searched by: {worst.metric} is none of mho's")
    asked = Bench(worst.box.chips, data, metric=metric, device=device, batch_size=batch_size)
    whole = replace(worst.box, share=dict.fromkeys(worst.box.share, 1.0))
    centre, reach = whole.on(asked.where, next(iter(asked.data.batches(1)))[0], worst.seed)
    bench = Bench(centre, asked.data, metric=asked.metric, device=asked.where, batch_size=batch_size)
    return bench, reach, {name: delta.to(asked.where) for name, delta in found.items()}
