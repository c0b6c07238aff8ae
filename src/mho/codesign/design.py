"""A design: what must be reached, what can be bought, and what shall be cheap, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from mho.codesign.costs import COSTS
from mho.codesign.measures import axes_of, baseline, check_axes, size
from mho.codesign.suited import usual
from mho.codesign.targets import Target
from mho.errors import MhoError, SpecError, unknown
from mho.evaluation.metrics import METRICS
from mho.frozen import FrozenDict
from mho.memory.spec import Memory, NameRules
from mho.spec import Spec, yaml_of
from mho.studies.sources import Checkpoint, Data, Trained
from mho.studies.study import Study
from mho.units import Clock, check_age

CALIBRATION = 6000
"""Training samples that rankings are computed on and worst cases are searched on, unless calibration says others."""


@dataclass(frozen=True, kw_only=True)
class Design(Spec):
    """Which combination of measures reaches the targets at the least cost?

    Targets may be text (:class:`~mho.codesign.Target`), measures mappings of names to values or lists.

    Attributes:
        name: names files.
        model: the network before any measure: trained here, or from a file.
        memory: what it is programmed onto before any measure, or name rules.
        data: the test set, which only certifies what was chosen.
        targets: what chips must reach, all of them.
        measures: axes of what can be bought: a dotted field of ``model`` or ``memory`` to its options by name, of which
            the first buys nothing, or to a :class:`~mho.codesign.Range`; the usual ones that fit if empty.
        minimise: costs, the most important first; the others decide where it is equal, to 2 % or so.
        budget: cost to the most that it may be.
        sigma: severity of every device; their own if ``None``.
        metric: a name of :data:`mho.evaluation.METRICS`.
        confidence: that a certificate holds, over all candidates that were tried for it.
        trials: how many combinations are looked at; all of them where there are no more.
        glance: chips of a first look at a combination, on 1,000 samples at most.
        precision: half-width wanted of statistics near the front, and of certificates.
        chips: most chips of any evaluation.
        seed: decides the chips that are searched on (those of a certificate have the next seed), and what is tried.
        validation: what is searched on, never the test data; every sixth of the training data if ``None``.
        calibration: what rankings are computed on and worst cases are searched on; some of the other training data if
            ``None``.
        dtype: of the forward passes.
    """

    name: str = "design"
    model: Trained | Checkpoint
    memory: Memory | NameRules
    data: Data
    targets: tuple[Target, ...]
    measures: FrozenDict = field(default_factory=FrozenDict)
    minimise: tuple[str, ...] = ("write_cycles", "training_seconds", "cells", "latency")
    budget: FrozenDict = field(default_factory=FrozenDict)
    sigma: float | None = None
    metric: str = "accuracy"
    confidence: float = 0.95
    trials: int = 60
    glance: int = 100
    precision: float = 0.01
    chips: int = 20_000
    seed: int = 0
    validation: Data | None = None
    calibration: Data | None = None
    dtype: Literal["float32", "bfloat16"] = "float32"

    def __post_init__(self) -> None:
        said: Any = self.targets
        listed = [said] if isinstance(said, str | Target) else list(said) if isinstance(said, Iterable) else said
        for name, value in (("targets", listed), ("minimise", self.minimise), ("budget", self.budget)):
            if name == "targets" and isinstance(value, list):
                value = tuple(_at("targets", i, Target.of, t) for i, t in enumerate(value))
            elif name == "minimise" and isinstance(value, str | list):
                value = (value,) if isinstance(value, str) else tuple(value)
            elif isinstance(value, Mapping):
                value = FrozenDict(value)
            object.__setattr__(self, name, value)
        self._complete()
        super().__post_init__()
        self.check(bool(self.targets), "targets", "are none; give one such as 'p1 >= 0.95'")
        self.check(bool(self.minimise), "minimise", f"names no cost; there are {', '.join(COSTS)}")
        for name in (*self.minimise, *self.budget):
            if name not in COSTS:
                raise unknown("cost", name, COSTS).at("minimise" if name in self.minimise else "budget")
        for name, most in self.budget.items():
            if isinstance(most, bool) or not isinstance(most, int | float) or most < 0:
                raise SpecError(f"Design: budget of {name}={most!r} must be a number, zero or more").at("budget", name)
        self.check(0 < self.confidence < 1, "confidence", "must lie between 0 and 1, such as 0.95")
        self.check(self.trials >= 1, "trials", "must be one or more")
        for name in ("chips", "glance"):
            self.check(getattr(self, name) >= 2, name, "must be two or more")
        self.check(self.precision > 0, "precision", "must be more than zero")
        self.check(self.sigma is None or self.sigma >= 0, "sigma", "must be zero or more")
        if self.metric not in METRICS:
            raise unknown("metric", self.metric, METRICS).at("metric")
        levels = {t.level for t in self.targets if t.statistic == "yield"}
        if len(levels) > 1:
            raise SpecError("Design: yields at two levels; one design asks for one").at("targets")
        for i, target in enumerate(self.targets):
            _at("targets", i, target.check_metric, METRICS[self.metric])
            _at("targets", i, self._check_age, target)
        if self.held_out is None:
            raise SpecError(
                "Design: a network from a file does not say what it was trained on; give validation: data to search "
                "on, other than the test data"
            ).at("validation")
        learnt, said, test = getattr(self.model, "data", None), self.held_out, self.data
        if learnt is not None and learnt == said:
            raise SpecError(
                "Design: validation is what the network is trained on; leave it out, and a sixth is held out, or give "
                "other data"
            ).at("validation")
        if (said.name, said.split, said.options) == (test.name, test.split, test.options):
            raise SpecError(
                "Design: validation is the test data, on which nothing may be chosen; leave it out, or give other data"
            ).at("validation")
        _inside("measures", check_axes, self.study, self.measures)

    def _check_age(self, target: Target) -> None:
        if target.inferences and target.age and self.clock != "inferences":
            raise SpecError(
                f"target '{target.label()}': this memory ages in seconds, if at all; write a time, such as 'at 1y'"
            )
        other = any(path == "memory" or path.startswith("memory.device") for path in self.measures)
        if target.age and self.memory.clock is None and not other:
            raise SpecError(
                f"target '{target.label()}': nothing in {self.memory.label} changes with age; leave the age out, or "
                "take a device that drifts"
            )
        check_age(target.age, self.clock)

    def _complete(self) -> None:
        """Measures as they are kept, the usual ones where none are given."""
        if not isinstance(self.measures, Mapping):
            return  # the field's type says so, in its own words
        given: Mapping[str, Any] = self.measures
        if not given and isinstance(self.memory, Memory | NameRules):
            given = usual(self.model, self.memory)
            if not given:
                raise SpecError(
                    "Design: no usual measure fits this memory; give measures, such as memory.programming"
                ).at("measures")
        object.__setattr__(self, "measures", _inside("measures", axes_of, given))

    @property
    def clock(self) -> Clock:
        """What an age counts."""
        return self.memory.clock or "s"

    @property
    def label(self) -> str:
        """Short name for tables."""
        return f"{self.name if self.live else self.model.label} on {self.memory.label}"

    @property
    def live(self) -> bool:
        """Whether network and data are in memory, known in this process alone."""
        from mho.codesign.live import LIVE

        return self.data.name.startswith(LIVE)

    @property
    def held_out(self) -> Data | None:
        """The data searched on."""
        if self.validation is not None:
            return self._half("held-out")
        return self.model.data.replace(part="held-out") if isinstance(self.model, Trained) else None

    @property
    def calibrated_on(self) -> Data | None:
        """The data that rankings and worst cases look at."""
        if self.calibration is not None:
            return self.calibration
        if isinstance(self.model, Trained):
            limit = min(self.model.data.limit or CALIBRATION, CALIBRATION)
            return self.model.data.replace(part="fit", limit=limit)
        return self._half("fit")

    def _half(self, part: Literal["fit", "held-out"]) -> Data | None:
        """The validation data; where a network from a file brings no data to calibrate on, one part of them each."""
        said = self.validation
        shared = said is not None and said.part == "all" and isinstance(self.model, Checkpoint)
        return said.replace(part=part) if said is not None and shared and self.calibration is None else said

    @property
    def study(self) -> Study:
        """The study of the test set without any measure: what candidates are made of."""
        model = self.model
        chosen = self.held_out
        if isinstance(model, Trained) and model.data.part == "all" and chosen is not None and chosen.part == "held-out":
            learnt = model.data
            if (learnt.name, learnt.split, learnt.options) == (chosen.name, chosen.split, chosen.options):
                model = model.replace(data=learnt.replace(part="fit"))
        return Study(
            name=self.name,
            model=model,
            memory=self.memory,
            data=self.data,
            chips=self.chips,
            sigma=() if self.sigma is None else (self.sigma,),
            age=tuple(dict.fromkeys(t.age for t in self.targets if t.statistic != "worst")) or (0.0,),
            metric=self.metric,
            percentiles=tuple(dict.fromkeys(t.k for t in self.targets if t.k is not None)) or (1.0,),
            threshold=next((t.level for t in self.targets if t.statistic == "yield"), None),
            seed=self.seed,
            dtype=self.dtype,
            calibration=self.calibrated_on,
        )

    @property
    def nothing(self) -> FrozenDict:
        """The combination that buys nothing."""
        return baseline(self.measures)

    @property
    def size(self) -> float:
        """How many combinations there are."""
        return size(self.measures)

    def to_yaml(self) -> str:
        """The YAML of this design, measures included."""
        usual_values = {f.name: f.default for f in fields(self)}
        said = self.to_dict()
        said["targets"] = [t.label(self.clock) for t in self.targets]
        kept = {k: v for k, v in said.items() if k not in usual_values or v != usual_values[k]}
        return yaml_of({k: v for k, v in kept.items() if v not in (None, {}, [])}, width=110)


def _at(key: str, i: int, do: Any, *arguments: Any) -> Any:
    try:
        return do(*arguments)
    except MhoError as error:
        raise error.at(key, i) from None


def _inside(key: str, do: Any, *arguments: Any) -> Any:
    try:
        return do(*arguments)
    except MhoError as error:
        raise error.at(key) from None
