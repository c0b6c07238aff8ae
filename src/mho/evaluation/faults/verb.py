"""HOW MANY FAULTS: the metric of schemes against stuck cells, over the rate of stuck cells."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from mho.data.adapters import as_dataset
from mho.devices.stack import only_stuck
from mho.errors import ModelError
from mho.evaluation import provenance
from mho.evaluation.arguments import check_counts, check_statistics
from mho.evaluation.bench import Bench, Lot
from mho.evaluation.faults.costs import cost_of
from mho.evaluation.faults.curves import FaultCurves, checked, unlucky
from mho.evaluation.faults.published import TABLE3_RATES
from mho.evaluation.faults.question import Digital, Schemes, placed, rates_of, schemes_of
from mho.evaluation.faults.rating import rules_at_rate
from mho.evaluation.faults.store import Store
from mho.evaluation.metrics import Metric, UserMetric
from mho.evaluation.plan import Batching
from mho.evaluation.prepare import Dtype
from mho.memory import Memory, deploy
from mho.memory.rules import Rules, normalise
from mho.progress import progress


def faults(
    model: nn.Module,
    data: Any,
    *,
    schemes: Schemes = ("none", "paper", "channel-flip-all-vote"),
    rates: float | Iterable[float] = TABLE3_RATES,
    n_chips: int = 50,
    first_chip: int = 0,
    digital: Digital = None,
    metric: str | Metric | UserMetric = "accuracy",
    percentiles: Sequence[float] | None = None,
    drop: float | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    device: torch.device | str | None = None,
    dtype: Dtype = "float32",
    batching: Batching = "auto",
    batch_size: int | None = None,
    label: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    show_progress: bool = True,
) -> FaultCurves:
    """How many stuck cells does the model stand, and which scheme helps most?

    Every scheme is deployed at every rate, and its chips are judged on the whole of ``data``. The chips are the same:
    chip i has the same stuck cells under every scheme, and keeps those it has as the rate rises.

    Args:
        model: any module that :func:`mho.deploy` takes; one with pruned columns has room for copies.
        data: as for :func:`mho.evaluate`.
        schemes: names in :data:`mho.memory.redundancy.SCHEMES`, or names of your own to memories with stuck cells
            (or to name rules, which then say what stays digital, too). Their share of stuck-at-0 is kept.
        rates: stuck cells of both kinds as a fraction of all; those of Table 3 [li2024zerospace] unless given.
        n_chips: chips at every rate.
        first_chip: number of the first one.
        digital: patterns of layers that stay digital, or a function from a memory to name rules; the usual classifiers
            of transformers unless given, ``()`` for none.
        metric: as for :func:`mho.evaluate`.
        percentiles: that tables print; those of the unlucky chips unless given: (1, 5), of metrics that shall be low
            (99, 95).
        drop: loss of the mean that counts as tolerated, in units of the metric; 10 points unless given (of a metric
            that is no fraction, a tenth of its digital value).
        confidence: two-sided coverage of every interval, each by itself.
        seed: decides every chip.
        device: where to run; where the model is if ``None``.
        dtype: of forward passes.
        batching: as for :func:`mho.evaluate`.
        batch_size: the same.
        label: what tables call the model; its class if ``None``.
        folder: keeps every chip that was judged, so that a call that was interrupted, or asks for more chips, rates or
            schemes, goes on; made where it does not exist. ``None`` keeps nothing.
        show_progress: draw a bar on a terminal when it takes longer than two seconds.

    Raises:
        UnknownNameError: no scheme, or no layer, has this name.
        SpecError: an argument is out of range; a scheme has no stuck cells.
        ModelError: the model cannot be deployed, or a scheme does not fit it.
    """
    wanted, rated = schemes_of(schemes), rates_of(rates)
    check_counts(n_chips=n_chips, first_chip=first_chip, batch_size=batch_size)
    check_statistics(() if percentiles is None else percentiles, confidence)
    accepted = None if drop is None else checked(drop)
    if not isinstance(model, nn.Module):
        raise ModelError(f"faults takes a module, not a {type(model).__name__}: it deploys it once a scheme and rate")
    started, dataset = time.perf_counter(), as_dataset(data)
    rules = {name: placed(scheme, digital, model) for name, scheme in wanted.items()}
    # Every scheme is tried before the long work; its costs are the same at every rate.
    costs = [cost_of(deploy(model, rules_at_rate(scheme, rated[0]), seed=seed)) for scheme in rules.values()]
    store = None if folder is None else Store.of(folder, model, dataset, metric, dtype, seed)
    numbers = range(first_chip, first_chip + n_chips)
    values, ideal = np.full((len(rules), len(rated), n_chips), np.nan), []
    without: float | None = None
    lot: Lot | None = None
    varying = {name for name, scheme in rules.items() if _varies(scheme)}
    total = values.size + n_chips * len(varying)
    with progress("schemes: chips", total, enabled=show_progress) as bar:

        def judged(there: Rules) -> tuple[Lot, list[float]]:
            bench = Bench(
                deploy(model, there, seed=seed),
                dataset,
                metric=metric,
                device=device,
                dtype=dtype,
                batching=batching,
                batch_size=batch_size,
            )
            lot = bench.lot(None, 0.0, n_chips)
            known = {} if store is None else store.known(there)
            new = [chip for chip in numbers if chip not in known]
            bar.advance(n_chips - len(new))
            if new:
                known |= dict(zip(new, lot.measure(new, bar.advance)[0].tolist(), strict=True))
                if store is not None:
                    store.keep(there, known)
            return lot, [known[chip] for chip in numbers]

        for i, (name, scheme) in enumerate(rules.items()):
            for j, rate in enumerate(rated):
                bar.say(f"{name} at {100 * rate:g} %: chips")
                lot, values[i, j] = judged(rules_at_rate(scheme, rate))
                without = lot.bench.digital if without is None else without
            assert lot is not None, "there is a rate"
            if name in varying:
                bar.say(f"{name} without stuck cells: chips")
                ideal.append(float(np.mean(judged(rules_at_rate(scheme, 0.0))[1])))
            else:
                ideal.append(lot.bench.ideal)
    assert lot is not None, "there is a scheme and a rate"
    assert without is not None, "so there is a bench"
    kept = {tuple(p for p, m in normalise(scheme).items() if m is None) for scheme in rules.values()}
    return FaultCurves(
        values=values,
        schemes=tuple(rules),
        rates=rated,
        ideal=tuple(ideal),
        digital=without,
        cells=tuple(c.cells for c in costs),
        extra=tuple(c.extra for c in costs),
        known_map=tuple(c.known_map for c in costs),
        digital_read=tuple(c.digital_read for c in costs),
        memories=tuple(plain_of(scheme) for scheme in wanted.values()),
        kept=kept.pop() if len(kept) == 1 else (),
        metric=lot.bench.metric.name,
        images=len(dataset),
        higher_is_better=lot.bench.metric.higher_is_better,
        bounded=lot.bench.metric.bounded,
        percentiles=tuple(float(k) for k in percentiles or unlucky(lot.bench.metric)),
        accepted=accepted,
        confidence=confidence,
        seed=seed,
        first_chip=first_chip,
        label=label or type(model).__name__,
        data=dataset.name,
        provenance=provenance.record(lot, seconds=time.perf_counter() - started),
    )


def _varies(scheme: Rules) -> bool:
    """Whether more happens to cells of a scheme than that they are stuck, so that chips without a stuck cell differ."""
    return any(m is not None and only_stuck(m.device) is None for m in normalise(scheme).values())


def plain_of(scheme: Rules) -> dict[str, Any]:
    """A memory, or name rules, as plain data."""
    if isinstance(scheme, Memory):
        return scheme.to_dict()
    return {"rules": {pattern: None if m is None else m.to_dict() for pattern, m in scheme.items()}}
