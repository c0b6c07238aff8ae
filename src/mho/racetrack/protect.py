"""WHICH LAYERS TO PROTECT: selections of layers behind a position-error code, judged and costed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from mho.data.adapters import as_dataset
from mho.devices.position_codes import PositionCode
from mho.evaluation.metrics import Metric, UserMetric
from mho.evaluation.plan import Batching
from mho.memory.rules import Rules
from mho.progress import progress
from mho.racetrack import selections as named
from mho.racetrack.additive import additive_front, spread
from mho.racetrack.choosing import by_target, drops_of
from mho.racetrack.counting import Counting
from mho.racetrack.curves import Curves
from mho.racetrack.judging import Judge
from mho.racetrack.protection import Protection
from mho.racetrack.question import asked
from mho.racetrack.timing import Timing


def protect(
    model: nn.Module,
    data: Any,
    memory: Rules,
    *,
    code: PositionCode | str,
    inferences: int = 100,
    target: float | None = None,
    selections: Sequence[str | Sequence[str]] = named.NAMES,
    search: int = 0,
    planes: int | None = None,
    curves: Curves | None = None,
    timing: Timing | None = None,
    counting: Counting = "physical",
    age: Sequence[float] | None = None,
    n_chips: int = 20,
    first_chip: int = 0,
    metric: str | Metric | UserMetric = "accuracy",
    confidence: float = 0.95,
    seed: int = 0,
    device: torch.device | str | None = None,
    batching: Batching = "auto",
    batch_size: int | None = None,
    show_progress: bool = True,
) -> Protection:
    """Which layers to protect? The metric of every selection at several ages, and what the code costs there.

    All selections are judged on the same chips: a layer slips in the same way whatever else is protected, so their
    differences owe nothing to chance between chips. CUSTOM is chosen on these chips too, so that its mean on others is
    on average a little lower: judge it again with another ``first_chip`` where that matters.

    What is foretold are drops of single layers added up. A protected layer costs what its curve says at the exposure
    to the errors that the code leaves, such as those by two positions; the jump of several positions that one leaves
    counts as one error. The metrics themselves are simulated and know of no such approximation.

    Args:
        model: any module that :func:`mho.deploy` can put on tracks.
        data: as for :func:`mho.evaluate`.
        memory: a racetrack memory without correction, or name rules.
        code: the position-error code, or the name of a published one.
        inferences: after which the metric counts.
        target: metric wanted then; within one point of the metric without faults if ``None``.
        selections: names (UNPROT protects nothing; EVEN the odd layers, the first being 1; EQUAL as many, those whose
            single-layer drops are largest; CUSTOM as few cycles as the target takes; FULL all), lists of layer names,
            or masks such as ``"1010"``.
        search: at most so many further selections, of those that the additive model thinks best; see
            :func:`mho.racetrack.front`.
        planes: how many of the most significant bit planes the code guards in a protected layer, as many as there are
            at most; ``None`` for all.
        curves: single-layer drops for EQUAL, CUSTOM and the search; measured on these chips if ``None``.
        timing: what the memory takes without protection, as for :func:`mho.racetrack.overhead`.
        counting: whose nanowires are counted.
        age: inferences at which the metric is taken, ending at ``inferences``; 0 and five up to it if ``None``.
        n_chips: chips of every selection.
        first_chip: number of the first one.
        metric: as for :func:`mho.evaluate`.
        confidence: two-sided coverage of every interval.
        seed: decides every chip.
        device: where to run; where the model is if ``None``.
        batching: as for :func:`mho.evaluate`.
        batch_size: the same.
        show_progress: draw a bar on a terminal when it takes longer than two seconds.

    Raises:
        UnknownNameError: a selection, code or layer that does not exist.
        ModelError: a layer that is not on nanowires.
        SpecError: an argument is out of range; the memory is no racetrack, or protected already.
    """
    started, dataset = time.perf_counter(), as_dataset(data)
    ask = asked(code, inferences, age, search, confidence, n_chips, first_chip, batch_size)
    how = {"metric": metric, "device": device, "batching": batching, "batch_size": batch_size}
    numbers = range(first_chip, first_chip + n_chips)
    judge = Judge(
        model,
        dataset,
        memory,
        ask.code,
        planes=planes,
        numbers=numbers,
        seed=seed,
        timing=timing,
        counting=counting,
        how=how,
    )
    known = tuple(judge.known)
    wanted = ask.wanted(target, judge)
    listed = [(s, ()) if s in named.NAMES else named.chosen_by_user(s, judge.chips) for s in ask.listed(selections)]
    measured = search > 0 or any(name in named.MEASURED for name, _ in listed)
    if measured and curves is None:
        curves = ask.curves(judge, show_progress=show_progress)
    drops = None if curves is None else drops_of(judge, curves, inferences)
    records = []
    with progress(f"{ask.code.name}: selections", len(listed) + search, enabled=show_progress) as bar:
        for name, layers in listed:
            bar.say(f"{ask.code.name}: {name}")
            if name in ("UNPROT", "EVEN", "FULL"):
                layers = named.fixed(name, known)
            elif name == "EQUAL":
                assert drops is not None
                layers = named.equal(known, drops.unprotected)
            elif name == "CUSTOM":
                assert drops is not None
                layers = by_target(judge, drops, wanted, ask.age[-1])
            records.append(judge.protected(name, layers, ask.age, drops))
            bar.advance()
        if search:
            assert drops is not None
            seen = {r.layers for r in records}
            best = [c for c in additive_front(known, drops.gains, judge.cycles) if c.layers not in seen]
            for i, one in enumerate(spread(best, search, abs(judge.baseline)), start=1):
                records.append(judge.protected(f"search {i}", one.layers, ask.age, drops))
                bar.advance()
    return Protection(
        selections=tuple(records),
        layers=known,
        age=ask.age,
        baseline=judge.baseline,
        base_cycles=judge.base_cycles,
        target=wanted,
        code=ask.code.name,
        leaves=judge.leaves,
        curves=curves,
        metric=judge.metric.name,
        images=len(dataset),
        higher_is_better=judge.metric.higher_is_better,
        bounded=judge.metric.bounded,
        confidence=confidence,
        seed=seed,
        first_chip=first_chip,
        label=judge.chips.label,
        data=dataset.name,
        provenance=judge.provenance | {"seconds": round(time.perf_counter() - started, 3)},
    )
