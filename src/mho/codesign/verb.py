"""``mho.design``: the cheapest combination of measures that meets a reliability target."""

from __future__ import annotations

import inspect
import os
import platform
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mho.codesign.candidate import Candidate
from mho.codesign.certify import certify
from mho.codesign.choice import Choice, merged
from mho.codesign.design import Design
from mho.codesign.front import check_known, near
from mho.codesign.prober import Prober
from mho.codesign.search import quiet, search
from mho.codesign.targets import Target
from mho.codesign.why import explain
from mho.errors import SpecError
from mho.frozen import FrozenDict
from mho.memory.spec import NameRules
from mho.studies.executors.base import Executor
from mho.studies.executors.inline import Inline
from mho.studies.observers import Observer
from mho.studies.sources import Checkpoint, Trained
from mho.studies.verb import where

if TYPE_CHECKING:
    from torch import nn

    from mho.memory.rules import Rules
    from mho.training.recipe import Recipe


RUNNING = ("model", "store", "executor", "observers", "folder", "root")
"""Arguments that are no part of a design."""


def design(
    model: nn.Module | Trained | Checkpoint | Design,
    data: Any = None,
    memory: Rules | NameRules | None = None,
    *,
    target: str | Target | Sequence[str | Target] = (),
    train: Any = None,
    validation: Any = None,
    recipe: Recipe | None = None,
    measures: Mapping[str, Any] | None = None,
    sigma: float | None = None,
    minimise: str | Sequence[str] = ("write_cycles", "training_seconds", "cells", "latency"),
    budget: Mapping[str, float] | None = None,
    metric: str = "accuracy",
    confidence: float = 0.95,
    trials: int = 60,
    glance: int = 100,
    precision: float = 0.01,
    chips: int = 20_000,
    seed: int = 0,
    dtype: Literal["float32", "bfloat16"] = "float32",
    store: str | os.PathLike[str] | None = None,
    executor: Executor | None = None,
    observers: Sequence[Observer] = (),
    folder: str | Path = ".",
    root: str | None = None,
) -> Choice:
    """Which combination of measures reaches the target at the least cost?

    Combinations are judged on a sixth of the training data, which nothing is trained on, with the same chips for
    all: few at first, and where it may matter as many as narrow intervals take (on 2,000 samples at most). The
    cheapest are then tried on the test data, with chips that nothing was chosen on, until the claim of one holds
    (docs/decisions/0021). Every evaluation and every network is kept in a store: the same call goes on where it was
    stopped.

    Args:
        model: the network: any module, which is as it is before any measure and from whose weights training starts;
            a ``Trained``, which is trained in here; a ``Checkpoint``; or a whole ``Design``, and nothing else then.
        data: the test set, which certifies: a data set, or ``(inputs, targets)``; a :class:`mho.studies.Data` where the
            model is a spec.
        memory: what the network is programmed onto before any measure, or name rules.
        target: what chips must reach, such as ``"p1 >= 0.95"``, or several; see :class:`~mho.codesign.Target`.
        train: training data, for a module: what measures train on, rankings are computed on, worst cases are searched
            on. A sixth (every sixth sample) is held out and searched on, unless ``validation`` is given; a module that
            has learnt from that sixth looks better there than it is: train it on ``train.held_out(6, kept=False)``.
        validation: for a module: what is searched on instead.
        recipe: how a module is trained by measures that train; the usual :class:`~mho.training.Recipe` if ``None``.
        measures: what can be bought: dotted field of ``model`` or ``memory`` to named options, the first of which buys
            nothing, or to a :class:`~mho.codesign.Range`; those that usually suit the memory if ``None``.
        sigma: severity of every device; their own if ``None``.
        minimise: names of costs, the most important first; see :class:`~mho.codesign.Costs`.
        budget: cost to the most that it may be.
        metric: a name of :data:`mho.evaluation.METRICS`.
        confidence: that the claim holds.
        trials: how many combinations are looked at.
        glance: chips of a first look at a combination.
        precision: half-width of the intervals near the front, and of certificates.
        chips: most chips of an evaluation.
        seed: of the chips searched on, and of what is tried; certificates have chips of the next seed.
        dtype: of the forward passes.
        store: folder of the results; ``$MHO_STORE`` or ``.mho`` if ``None``.
        executor: who computes; this process if ``None``. A module is known in this process alone.
        observers: who watches.
        folder: what relative checkpoint paths start from.
        root: folder searched first for data.

    Returns:
        The front, the point to take and its certificate, and why.

    Raises:
        SpecError, UnknownNameError: what is asked is impossible; more combinations than trials, and no optuna.
        ModelError, DataError: the model does not fit the data, or cannot be kept.
    """
    given = dict(locals())
    started = time.perf_counter()
    place = Path(where(store).root)
    if isinstance(model, Design):
        for name, parameter in inspect.signature(design).parameters.items():
            if name not in RUNNING and given[name] is not parameter.default:
                raise SpecError(f"{name}= is part of the Design that is given; change it there: design.replace(...)")
        asked = model
    else:
        from mho.codesign.asking import asked_of

        asked = asked_of(
            model,
            data,
            memory,
            train=train,
            validation=validation,
            recipe=recipe,
            folder=place / "live",
            targets=target,
            measures={} if measures is None else measures,
            sigma=sigma,
            minimise=minimise,
            budget={} if budget is None else budget,
            metric=metric,
            confidence=confidence,
            trials=trials,
            glance=glance,
            precision=precision,
            chips=chips,
            seed=seed,
            dtype=dtype,
        )
    if executor is not None and not isinstance(executor, Inline) and asked.live:
        raise SpecError(
            f"executor={executor.label}: a module and data in memory are known in this process alone; leave out "
            "executor, or name the architecture (Trained) and the data (Data)"
        )
    with Prober(asked, store=place, executor=executor, observers=observers, folder=folder, root=root) as prober:
        return _found(asked, prober, started)


def _found(asked: Design, prober: Prober, started: float) -> Choice:
    import torch

    from mho import __version__

    refine = partial(prober.judge, look=prober.refine)
    with quiet():
        screened = search(asked, partial(prober.judge, look=prober.screen))
    check_known(asked, screened)
    refined = refine([c.chosen for c in near(asked, screened)])
    certificates, closer = certify(asked, prober, merged([*screened, *refined]))
    candidates = merged([*screened, *refined, *closer])
    choice = Choice(design=asked, candidates=candidates, certificates=tuple(certificates), why=None)
    point = choice.closest
    looks = [{c.chosen: c for c in found} for found in ([*refined, *closer], screened)]

    def look_up(listed: Sequence[FrozenDict]) -> list[Candidate]:
        # All parts at one look, so that they differ by their measures alone: the close one if all were looked at
        # closely, else the first, since to know better what is far from the target would take most of the time.
        close, first = looks
        if all(chosen in close for chosen in listed):
            return [close[chosen] for chosen in listed]
        new = prober.judge([c for c in listed if c not in first], prober.screen)
        return [(first | {c.chosen: c for c in new})[chosen] for chosen in listed]

    why = explain(asked, point.chosen, look_up)
    if why is not None:
        candidates = merged([*why.parts, *candidates])

    return Choice(
        design=asked,
        candidates=candidates,
        certificates=choice.certificates,
        why=why,
        provenance={
            "mho": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "host": platform.node(),
            "processor": platform.processor() or platform.machine(),
            "seconds": round(time.perf_counter() - started, 1),
            "screened": len(screened),
            "refined": len(refined) + len(closer),
        },
        network=prober.network(point.chosen, prober.refine),
    )
