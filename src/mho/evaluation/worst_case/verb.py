"""The verb: how bad can a chip within a bound be?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mho.errors import SpecError
from mho.evaluation import provenance
from mho.evaluation.arguments import check_counts
from mho.evaluation.bench import Bench
from mho.evaluation.metrics import Metric, UserMetric
from mho.evaluation.sensitivity.losses import UserLoss
from mho.evaluation.worst_case import losses as known
from mho.evaluation.worst_case.arguments import Numbers, check_bounds, check_rest, samples
from mho.evaluation.worst_case.box import Box, box_of, largest_float, tolerant
from mho.evaluation.worst_case.chips import KINDS, given_lot, random_lot
from mho.evaluation.worst_case.descent import SignedDescent
from mho.evaluation.worst_case.gradients import check_outputs, check_reached
from mho.evaluation.worst_case.method import Candidate, Previous, Search
from mho.evaluation.worst_case.objective import Objective
from mho.evaluation.worst_case.result import WorstCase
from mho.memory.deployment import Chips
from mho.progress import progress


def worst_case(
    chips: Chips | nn.Module,
    data: Any,
    *,
    bound: Numbers | None = None,
    tolerance: Numbers | None = None,
    test: Any = None,
    images: int | None = None,
    metric: str | Metric | UserMetric = "accuracy",
    higher_is_better: bool | None = None,
    loss: str | UserLoss | Sequence[str | UserLoss] | None = None,
    method: Search | None = None,
    random: int = 100,
    seed: int = 0,
    device: torch.device | str | None = None,
    batch_size: int | None = None,
    label: str | None = None,
    show_progress: bool = True,
) -> WorstCase:
    """How bad can a chip be? Searches one error for every weight, at most ``bound`` of its full scale each.

    The errors are those of one chip: the same for all samples. They are searched by gradient, since sampling does not
    find them [yan2022worst]; random chips within the same bound are judged beside. What is found bounds the worst chip
    from one side only: another search may find a worse one. The model passed in is never changed.

    Args:
        chips: a deployed model, searched around its noiseless quantised weights; or any module, around its weights as
            they are, of which all that :func:`mho.deploy` would store may be off.
        data: what is searched, anything that :func:`mho.data.as_dataset` takes.
        bound: largest error of any weight, one or several, fractions of its full scale ``S = max|W|`` (the mapping's,
            per channel where it is). Each starts from what the next smaller one found.
        tolerance: the same as the largest error of any cell, a fraction of its range, such as write-verify guarantees:
            a weight is then off by ``tolerance |gain| sum_j |coefficient_j|`` at most.
        test: what the chips found, and the random ones, are reported on; ``data`` unless given.
        images: how many samples are searched, in an order that depends on ``seed`` alone; all of them unless given.
        metric: a name in :data:`mho.evaluation.METRICS`, a :class:`Metric`, or ``f(outputs, targets) -> number``.
        higher_is_better: whether the worst chip is the one of the lowest metric; known for named ones (not for
            perplexity and mse), yes for others unless given.
        loss: what the search maximises, one or several: ``"hinge"``, ``"cross-entropy"``, ``"mse"``, or
            ``loss(outputs, targets) -> mean over the samples`` as training would minimise it. Those that suit the data
            unless given: hinge and cross-entropy for classes, mse for values.
        method: how to search: :class:`SignedDescent` unless given, or :class:`Lagrangian`.
        random: chips of each random kind (Gaussian, uniform, corners).
        seed: of random starts, random chips and the choice of samples.
        device: where to run; where the model is if ``None``.
        batch_size: samples per pass; chosen from the size of the activations if ``None``.
        label: what tables call the result; the device's name, or the model's, if ``None``.
        show_progress: draw a bar on a terminal when it takes longer than two seconds.

    Returns:
        A :class:`WorstCase`, ascending in the bounds.

    Raises:
        DataError: no data, or labels outside the model's classes.
        ModelError: the model cannot be deployed, does not take such inputs, or has no gradient.
        SpecError: an argument is out of range.
        UnknownNameError: no metric has this name.
    """
    bounds, tolerances = check_bounds(chips, bound, tolerance)
    how = SignedDescent() if method is None else method
    check_rest(how, random, seed, higher_is_better)
    check_counts(images=images, batch_size=batch_size)
    wanted = known.check_losses(loss)
    if wanted is not None and how.wanted is not None:
        raise SpecError(f"loss= and {type(how).__name__}(losses=...) both name the losses; give one of the two")
    started = time.perf_counter()
    box, factor = tolerant(box_of(chips)) if tolerances else (box_of(chips), 1.0)
    searched = samples(data, images, seed)
    same = test is None and len(searched) == len(samples(data, None, seed))
    asked = Bench(box.chips, data if test is None else test, metric=metric, device=device, batch_size=batch_size)
    higher = asked.metric.higher_is_better if higher_is_better is None else higher_is_better
    centre, reach = box.on(asked.where, next(iter(asked.data.batches(1)))[0], seed)
    judge = Bench(centre, asked.data, metric=asked.metric, device=asked.where, batch_size=batch_size)
    field = judge if same else Bench(centre, searched, metric=metric, device=asked.where, batch_size=batch_size)
    objective = Objective(field, reach, higher_is_better=higher)
    limits = [largest_float(b * factor) for b in bounds]
    outputs = check_outputs(objective)
    names = wanted or how.wanted or known.usual(field.data.targets)
    margin = objective.margin if any(n in ("hinge", "cross-entropy") for n in names) else 1.0
    climbed = [known.make(name, outputs, field.data, margin) for name in names]
    check_reached(objective, climbed[0], limits[0])
    title = label or (box.chips.label if isinstance(chips, Chips) else type(chips).__name__)
    found = _search(objective, how, climbed, limits, seed, title, show_progress)
    deltas = [objective.by_name(c.delta) for c in found]
    drawn, lot = _judged(judge, reach, limits, random, title, show_progress), given_lot(judge, reach, deltas)
    values = lot.measure(range(len(limits)))[0]
    errors = [_of_full_scale(delta, box) for delta in deltas]
    return WorstCase(
        bounds=tuple(b if factor == 1 else b * factor for b in bounds),
        tolerances=tuple(bounds) if tolerances else None,
        metric=asked.metric.name,
        bounded=asked.metric.bounded,
        higher_is_better=higher,
        digital=asked.digital,
        ideal=judge.digital,
        found=values,
        searched=values.copy() if same else np.array([c.value for c in found]),
        reached=np.array([max(float(e.abs().max()) for e in error.values()) for error in errors]),
        won=tuple(c.won for c in found),
        random=drawn,
        label=title,
        data=asked.data.name,
        images=len(asked.data),
        search_data=field.data.name,
        search_images=len(field.data),
        seed=int(seed),
        passes=objective.passes,
        provenance=provenance.record(lot, seconds=time.perf_counter() - started)
        | {"method": how.to_dict(), "search_images_per_batch": objective.images, "same_data": same},
        perturbations=tuple(errors),
        box=box,
    )


def _search(
    objective: Objective,
    method: Search,
    climbed: list[known.Loss],
    limits: list[float],
    seed: int,
    title: str,
    show_progress: bool,
) -> list[Candidate]:
    """The worst candidate of every limit, none better than that of a smaller one."""
    found: list[Candidate] = []
    with progress(f"{title}: searching", method.passes(len(climbed), len(limits)), enabled=show_progress) as bar:
        for i, limit in enumerate(limits):
            previous = Previous(found[-1], limits[i - 1]) if found else None
            if previous is not None and objective.bottomed(previous.candidate.value):
                found.append(previous.candidate)
                continue
            best = method.search(objective, climbed, limit, previous=previous, seed=seed, advance=bar.advance)
            if previous is not None and not objective.as_bad(best.value, previous.candidate.value):
                best = previous.candidate
            found.append(best)
    return found


def _judged(
    bench: Bench, reach: dict[str, Tensor], limits: list[float], n: int, title: str, show_progress: bool
) -> dict[str, NDArray[np.float64]]:
    """Random chips of every kind at every limit."""
    if not n:
        return {}
    with progress(f"{title}: random chips", n * len(limits) * len(KINDS), enabled=show_progress) as bar:
        return {
            kind: np.stack([random_lot(bench, reach, kind, b, n).measure(range(n), bar.advance)[0] for b in limits])
            for kind in KINDS
        }


def _of_full_scale(delta: dict[str, Tensor], box: Box) -> dict[str, Tensor]:
    """Errors over S: those of layers with a narrower share of the bound are smaller."""
    return {
        n: d.detach().cpu() * box.share[n] if box.share[n] != 1 else d.detach().cpu().clone() for n, d in delta.items()
    }
