"""Candidates judged through the machinery of studies: every evaluation is a cell of a store, and computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from mho.codesign.candidate import Candidate, Stage
from mho.codesign.costs import Costs
from mho.codesign.design import Design
from mho.codesign.kept_open import KeptOpen
from mho.codesign.margins import candidate, impossible
from mho.codesign.measures import applied, with_sigma
from mho.codesign.targets import Target
from mho.devices import LevelGaussian, LogNormal
from mho.errors import MhoError
from mho.evaluation.result import Result
from mho.evaluation.statistics import Interval
from mho.evaluation.worst_case.box import box_of, tolerant
from mho.frozen import FrozenDict
from mho.memory import deploy
from mho.memory.spec import Memory
from mho.programming import WriteVerify
from mho.studies import calibration
from mho.studies.executors.base import Executor
from mho.studies.executors.inline import Inline
from mho.studies.observers import Observer
from mho.studies.plan import Plan, make_plan
from mho.studies.points import Point
from mho.studies.results import Answers
from mho.studies.sources import HELD_OUT, Data
from mho.studies.store import Store
from mho.studies.study import Study
from mho.studies.verb import compute, where
from mho.studies.worst_case import WorstCase
from mho.zoo import unpack

FEW_SAMPLES = 1000
"""Samples of a first look, and of those that a worst case is searched on."""
MORE_SAMPLES = 2000
"""Samples of a closer look: how a percentile differs between candidates, whose samples are the same, takes no more."""


@dataclass(frozen=True)
class Look:
    """How closely candidates are looked at.

    Attributes:
        stage: what the candidates are then called.
        data: what chips are judged on.
        seed: of the chips.
        precision: half-width wanted of every statistic, with as many chips as that takes; ``None`` for ``chips``.
        chips: how many, or at most.
        confidence: of every interval.
    """

    stage: Stage
    data: Data
    seed: int
    precision: float | None
    chips: int
    confidence: float


class Prober:
    """Judges candidates of one design; a context, at whose end the workers stop.

    Args:
        design: what is asked.
        store: folder of the results; ``$MHO_STORE`` or ``.mho`` if ``None``.
        executor: who computes; this process if ``None``.
        observers: who watches.
        folder: what relative checkpoint paths start from.
        root: folder searched first for data.
    """

    def __init__(
        self,
        design: Design,
        *,
        store: str | Path | None = None,
        executor: Executor | None = None,
        observers: Sequence[Observer] = (),
        folder: str | Path = ".",
        root: str | None = None,
    ) -> None:
        self.design = design
        self.store: Store = where(store)
        self._executor = KeptOpen(executor or Inline(root=root))
        self._observers, self._folder, self._root = observers, folder, root
        held_out = design.held_out
        assert held_out is not None, "a design checks that there is one"
        more, few = (held_out.replace(limit=_limit(held_out, n)) for n in (MORE_SAMPLES, FEW_SAMPLES))
        self.refine = Look("refined", more, design.seed, design.precision, design.chips, design.confidence)
        self.screen = replace(self.refine, stage="screened", data=few, precision=None, chips=design.glance)
        self.results: dict[tuple[FrozenDict, Look], Result] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shut()

    def judge(self, listed: Sequence[FrozenDict], look: Look) -> list[Candidate]:
        """What the combinations of ``listed`` reach, and cost; in their order.

        Raises:
            MhoError: an evaluation failed for another reason than that its measures do not go together.
        """
        studies: dict[FrozenDict, Study] = {}
        refused: dict[FrozenDict, str] = {}
        for chosen in listed:
            try:
                study = self.study(chosen, look)
                calibration.check(study)
                studies[chosen] = study
            except MhoError as error:
                refused[chosen] = str(error)
        values: dict[FrozenDict, dict[str, Interval]] = {chosen: {} for chosen in studies}
        unbounded: dict[FrozenDict, tuple[str, ...]] = dict.fromkeys(studies, ())
        costs: dict[FrozenDict, Costs] = {}
        networks: dict[FrozenDict, bytes] = {}
        sampled = self._run(studies, refused)
        for chosen, (plan, answers) in sampled.items():
            result = answers.results[_label(chosen)]
            self.results[chosen, look] = result
            key = next(cell.model for cell in plan.cells if cell.point.axes == chosen)
            network = self.store.model(key)
            assert network is not None, "a cell is only computed once its network is there"
            assert result.writing is not None
            networks[chosen] = network
            costs[chosen] = Costs.of(studies[chosen].memory, result.writing, network)
            for target in self.design.targets:
                if target.statistic != "worst":
                    found = target.statistic_of(result.at(age=target.age))
                    values[chosen][target.label(self.design.clock)] = found
        for question, targets in _searches(self.design.targets).items():
            asked = {chosen: _asking(studies[chosen], question) for chosen in costs}
            for chosen, (_, answers) in self._run(asked, refused).items():
                label = _label(chosen)
                found = next(found for name, found in answers.found.items() if answers.points[name].label == label)
                levels = question.bounds or question.tolerances
                for target in targets:
                    assert target.level is not None
                    i, text = levels.index(target.level), target.label(self.design.clock)
                    worst = float(found.found[i])
                    values[chosen][text] = Interval(worst, worst, worst)
                    if not self._within(studies[chosen], target, networks[chosen]):
                        unbounded[chosen] += (text,)
        return [
            impossible(chosen, refused[chosen], look.stage)
            if chosen in refused
            else candidate(self.design, chosen, values[chosen], costs[chosen], look.stage, unbounded[chosen])
            for chosen in listed
        ]

    def study(self, chosen: FrozenDict, look: Look) -> Study:
        """The study of one combination, without axes.

        Raises:
            SpecError, UnknownNameError: its measures do not go together.
        """
        design = self.design
        names = ["mean"] if all(t.statistic in ("mean", "worst") for t in design.targets) else []
        names += [f"p{t.k:g}" for t in design.targets if t.k is not None]
        names += ["yield"] if any(t.statistic == "yield" for t in design.targets) else []
        precision = None if look.precision is None else FrozenDict(dict.fromkeys(names, look.precision))
        study = applied(design.study, design.measures, chosen)
        return study.replace(
            data=look.data, seed=look.seed, precision=precision, confidence=look.confidence, chips=look.chips
        )

    def _within(self, study: Study, target: Target, network: bytes) -> bool:
        """Whether every chip keeps within the bound of ``target``, but for cells that verification gives up."""
        memory = study.memory
        memories = [memory] if isinstance(memory, Memory) else [m for m in memory.rules.values() if m is not None]
        schemes = [m.programming for m in memories]
        tolerances = [s.tolerance for s in schemes if isinstance(s, WriteVerify)]
        assert target.level is not None
        lasting = all(isinstance(m.device, LevelGaussian | LogNormal) for m in memories)
        if len(tolerances) < len(memories) or not lasting:
            return False  # what is not verified, or changes later, keeps within nothing
        if target.cells:
            return max(tolerances) <= target.level
        chips = deploy(unpack(network), memory if isinstance(memory, Memory) else dict(memory.rules))
        return max(tolerances) * tolerant(box_of(chips))[1] <= target.level

    def network(self, chosen: FrozenDict, look: Look) -> bytes:
        """The network of a combination that was judged, as the store keeps it."""
        plan = self._plan({chosen: self.study(chosen, look)})
        content = self.store.model(plan.cells[0].model)
        assert content is not None, "it was judged"
        return content

    def _plan(self, studies: Mapping[FrozenDict, Study]) -> Plan:
        clock = self.design.clock
        points = [Point(study, FrozenDict(dict(chosen)), clock) for chosen, study in studies.items()]
        return make_plan(points[0].study, points=points, folder=self._folder, root=self._root)

    def _run(
        self, studies: Mapping[FrozenDict, Study], refused: dict[FrozenDict, str]
    ) -> dict[FrozenDict, tuple[Plan, Answers]]:
        """The answers of those that could be computed; the others go to ``refused``."""
        if not studies:
            return {}
        plan = self._plan(studies)
        answers = compute(plan, self.store, self._executor, self._observers)
        out = {}
        for chosen in studies:
            label = _label(chosen)
            known = label in answers.results or any(answers.points[n].label == label for n in answers.found)
            if known:
                out[chosen] = (plan, answers)
                continue
            refused[chosen] = _reason(plan, answers, chosen)
        return out


def _limit(data: Data, samples: int) -> int:
    """The limit of ``data`` with which so many samples are left."""
    limit = samples * HELD_OUT if data.part == "held-out" else samples
    return limit if data.limit is None else min(limit, data.limit)


def _label(chosen: FrozenDict) -> str:
    return Point(None, chosen).label  # type: ignore[arg-type]


def _reason(plan: Plan, answers: Answers, chosen: FrozenDict) -> str:
    """Why a combination has no answer: what a user can put right, in its own words.

    Raises:
        MhoError: it failed for a reason that is not its own.
    """
    names = [str(cell) for cell in plan.cells if cell.point.axes == chosen]
    text = next((answers.failures[name] for name in names if name in answers.failures), "it was not computed")
    last = text.strip().splitlines()[-1].removeprefix("its network could not be trained: ")
    kind, _, said = last.partition(": ")
    if kind in ("SpecError", "ModelError", "UnknownNameError"):
        return said
    raise MhoError(f"{_label(chosen)}: {last}")


def _searches(targets: Sequence[Target]) -> dict[WorstCase, list[Target]]:
    """The searches for worst cases that ``targets`` need, with the targets in the order of their bounds."""
    out: dict[WorstCase, list[Target]] = {}
    for cells in (False, True):
        mine = sorted((t for t in targets if t.statistic == "worst" and t.cells == cells), key=lambda t: t.level or 0)
        levels = tuple(dict.fromkeys(t.level for t in mine if t.level is not None))
        if levels:
            bounds: dict[str, Any] = {"tolerances" if cells else "bounds": levels}
            out[WorstCase(random=0, images=FEW_SAMPLES, **bounds)] = mine
    return out


def _asking(study: Study, question: WorstCase) -> Study:
    """``study`` with a worst case asked of it: what means nothing to that is left at its default."""
    usual: dict[str, Any] = {"chips": None, "sigma": (), "age": (0.0,), "precision": None, "percentiles": (1, 5)}
    usual |= {"threshold": None, "confidence": 0.95, "dtype": "float32"}
    return study.replace(**usual, memory=with_sigma(study), question=question)
