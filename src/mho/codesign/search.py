"""Which combinations are looked at: all of them where they are few, else those that a sampler proposes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mho.codesign.candidate import Candidate
from mho.codesign.design import Design
from mho.codesign.measures import Range, applied, baseline, every, labels
from mho.errors import MhoError, SpecError
from mho.frozen import FrozenDict

BATCH = 8
"""Combinations proposed at once, so that several workers have something to do; the same whatever their number."""
ASKS = 4
"""How often the sampler may propose what is known already, for every combination that may be tried."""
STARTUP = 10
"""Random proposals before the sampler has something to learn from, besides each measure alone."""

Judge = Callable[[Sequence[FrozenDict]], list[Candidate]]


def search(design: Design, judge: Judge) -> list[Candidate]:
    """The combinations looked at, each once: nothing bought first, then each measure alone.

    Args:
        design: what is asked.
        judge: what candidates reach and cost.

    Raises:
        SpecError: there are more combinations than trials, and optuna is not installed.
    """
    first = alone(design.measures)
    same = Same(design)
    if design.size <= design.trials:
        return judge(list(dict.fromkeys(map(same.as_first, [*first, *every(design.measures)]))))
    return _proposed(design, judge, list(dict.fromkeys(map(same.as_first, first)))[: design.trials], same)


class Same:
    """Combinations that come to the same, such as any share of the weights where none are verified.

    Args:
        design: whose combinations they are.
    """

    def __init__(self, design: Design) -> None:
        self._design = design
        self._first: dict[str, FrozenDict] = {}

    def as_first(self, chosen: FrozenDict) -> FrozenDict:
        """``chosen``, or what came before it and is the same."""
        try:
            key = applied(self._design.study, self._design.measures, chosen).digest()
        except MhoError:
            return chosen  # impossible in its own way
        return self._first.setdefault(key, chosen)


def alone(measures: FrozenDict) -> list[FrozenDict]:
    """Nothing, and every option by itself."""
    nothing = baseline(measures)
    out = [nothing]
    out += [FrozenDict({**nothing, path: label}) for path, o in measures.items() for label in labels(o)[1:]]
    return out


def _proposed(design: Design, judge: Judge, first: Sequence[FrozenDict], same: Same) -> list[Candidate]:
    """Multi-objective tree-structured Parzen estimation [ozaki2022motpe]: margin up, costs down, within the budget."""
    optuna = _optuna()
    sampler = optuna.samplers.TPESampler(
        seed=design.seed,
        multivariate=True,
        constant_liar=True,
        n_startup_trials=len(first) + STARTUP,
    )
    study = optuna.create_study(directions=["maximize"] + ["minimize"] * len(design.minimise), sampler=sampler)
    for chosen in first:
        study.enqueue_trial({p: _written(design.measures[p], label) for p, label in chosen.items()})
    known: dict[FrozenDict, Candidate] = {}
    asked = 0
    while len(known) < design.trials and asked < ASKS * design.trials:
        count = min(BATCH, design.trials - len(known))
        trials = [study.ask() for _ in range(count)]
        asked += count
        proposals = [same.as_first(_chosen(design.measures, trial)) for trial in trials]
        new = list(dict.fromkeys(p for p in proposals if p not in known))
        known |= {c.chosen: c for c in judge(new)}
        for trial, chosen in zip(trials, proposals, strict=True):
            found = known[chosen]
            numbers = [found.margin, *map(found.number, design.minimise)]
            if found.refused or not all(map(math.isfinite, numbers)):
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
                continue
            for name, most in design.budget.items():
                trial.set_constraint(name, found.number(name) - most)
            study.tell(trial, numbers)
    return list(known.values())


def _chosen(measures: FrozenDict, trial: Any) -> FrozenDict:
    out = {}
    for path, options in measures.items():
        if isinstance(options, Range):
            found = trial.suggest_float(path, options.low, options.high, log=options.log)
            out[path] = repr(min(max(float(f"{found:.3g}"), options.low), options.high))
        else:
            out[path] = trial.suggest_categorical(path, list(options))
    return FrozenDict(out)


def _written(options: FrozenDict | Range, label: str) -> Any:
    return float(label) if isinstance(options, Range) else label


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna says nothing, and its settings are left as they were."""
    try:
        import optuna
    except ImportError:
        yield
        return
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(level)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise SpecError(
            "there are more combinations than trials, and to choose among them takes optuna: pip install mho[search], "
            "or give fewer measures, or trials for all of them"
        ).at("trials") from None
    return optuna
