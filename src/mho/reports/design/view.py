"""What a page knows of designs: every combination in its place, with its colour, its marker and its cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mho.codesign import COSTS, Candidate, Certificate, Choice, Design, Target
from mho.codesign.front import HOPE, affordable, price
from mho.errors import SpecError
from mho.evaluation.statistics import Interval
from mho.frozen import FrozenDict
from mho.reports.design.phrases import axis
from mho.reports.labels import one_label_each

SHAPES = 7
"""Markers that differ; an axis with more options is told apart by its colours or by its costs."""
NONE = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One choice of the page.

    Attributes:
        index: its place among the choices, from zero.
        label: what the page calls it.
        choice: where the numbers are from.
    """

    index: int
    label: str
    choice: Choice

    @property
    def design(self) -> Design:
        """What was asked."""
        return self.choice.design

    @cached_property
    def possible(self) -> tuple[Candidate, ...]:
        """Combinations that are possible, the cheapest first."""
        listed = [c for c in self.choice.candidates if not c.refused]
        return tuple(sorted(listed, key=lambda c: price(self.design, c)))

    @cached_property
    def refused(self) -> tuple[Candidate, ...]:
        """Combinations that are not."""
        return tuple(c for c in self.choice.candidates if c.refused)

    @cached_property
    def front(self) -> frozenset[FrozenDict]:
        """Combinations that no other beats."""
        return frozenset(c.chosen for c in self.choice.front)

    @cached_property
    def affordable(self) -> frozenset[FrozenDict]:
        """Combinations within the budget."""
        return frozenset(c.chosen for c in affordable(self.design, self.possible))

    @cached_property
    def places(self) -> Mapping[FrozenDict, int]:
        """Number of every possible combination: its row in the table, its points in the figures."""
        return {c.chosen: i for i, c in enumerate(self.possible)}

    @cached_property
    def closest(self) -> Candidate | None:
        """The recommended point, or what comes nearest; ``None`` if nothing is possible within the budget."""
        return self.choice.closest if self.affordable else None

    @property
    def hopeful(self) -> list[Candidate]:
        """Members of the front that are near the targets or beyond."""
        return [c for c in self.choice.front if c.margin >= -HOPE]

    @cached_property
    def costs(self) -> tuple[str, ...]:
        """Costs that are known and not everywhere the same; those that were asked about first."""
        asked = dict.fromkeys((*self.design.minimise, *self.design.budget, *COSTS))
        return tuple(k for k in asked if len({c.number(k) for c in self.possible}) > 1)

    @cached_property
    def along(self) -> str:
        """The cost on the x axis: the first to be minimised that tells combinations apart."""
        return next((k for k in self.design.minimise if k in self.costs), self.design.minimise[0])

    def value(self, candidate: Candidate, target: Target) -> Interval:
        """What a combination reaches."""
        return candidate.values.get(target.label(self.design.clock), NONE)

    def found(self, certificate: Certificate, target: Target) -> Interval:
        """What a combination reached on test data."""
        return certificate.values[target.label(self.design.clock)]

    @cached_property
    def options(self) -> Mapping[str, tuple[str, ...]]:
        """Axes with named options of which two or more are possible, and these, in their order."""
        out = {}
        for path, options in self.design.measures.items():
            if isinstance(options, FrozenDict):
                used = {c.chosen[path] for c in self.possible}
                out[path] = tuple(name for name in options if name in used)
        return {path: names for path, names in out.items() if len(names) > 1}

    @cached_property
    def coloured(self) -> str:
        """The axis that colours stand for: training, else the first; empty without any."""
        trained = [path for path in self.options if path.split(".")[0] == "model"]
        return next(iter((*trained, *self.options)), "")

    @cached_property
    def shaped(self) -> str:
        """The axis that markers stand for; empty where markers go with the colours."""
        fits = [p for p, names in self.options.items() if p != self.coloured and len(names) <= SHAPES]
        return fits[0] if fits and len(self.options[self.coloured]) <= SHAPES - 1 else ""

    def slot(self, candidate: Candidate) -> int:
        """Its colour."""
        names = self.options.get(self.coloured, ())
        return names.index(candidate.chosen[self.coloured]) if names else 0

    def shape(self, candidate: Candidate) -> int:
        """Its marker."""
        if not self.shaped:
            return self.slot(candidate)
        return self.options[self.shaped].index(candidate.chosen[self.shaped])

    def measure_slots(self) -> dict[str, int]:
        """Colour of every measure that :attr:`closest` buys: that of its option where colours stand for options."""
        if self.closest is None:
            return {}
        names, own = self.options.get(self.coloured, ()), self.closest.chosen.get(self.coloured, "")
        mine = {self.coloured: names.index(own)} if own in names else {}
        # The last colour is grey, as what is no measure.
        free = [s for s in sorted(range(5), key=lambda s: s < len(names)) if s not in mine.values()]
        others = [path for path in self.choice.taken(self.closest) if path not in mine]
        return mine | {path: free[i % len(free)] for i, path in enumerate(others)}

    def axes(self) -> dict[str, str]:
        """Path of every axis to what tables call it: one name each."""
        short = {path: axis(path) for path in self.design.measures}
        names = [*short.values()]
        return {path: name if names.count(name) == 1 else path for path, name in short.items()}


def entries_of(choices: Sequence[Choice]) -> list[Entry]:
    """The choices of a page, at least one.

    Raises:
        SpecError: something else, or two of one label.
    """
    for item in choices:
        if not isinstance(item, Choice):
            raise SpecError(f"design holds a {type(item).__name__}; it takes what mho.design returns")
    labels = [c.label for c in choices]
    if len(set(labels)) < len(labels):
        labels = [f"{c.design.name}: {c.label}" for c in choices]
    if len(set(labels)) < len(labels):
        labels = [f"{label} ({_asked(c)})" for label, c in zip(labels, choices, strict=True)]
    labels = one_label_each(labels, "designs", "mho.codesign.Design(name=...); mho.design")
    return [Entry(index=i, label=n, choice=c) for i, (n, c) in enumerate(zip(labels, choices, strict=True))]


def _asked(choice: Choice) -> str:
    design = choice.design
    return " and ".join(t.label(design.clock) for t in design.targets)
