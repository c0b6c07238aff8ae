"""Schemes over the rate of stuck cells: their statistics, what they tolerate, and which one is worth taking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mho.errors import MhoError
from mho.evaluation.statistics import Interval
from mho.reports.scale import Scale, Tail

if TYPE_CHECKING:
    from mho.evaluation.faults import FaultCurves, Tolerance
    from mho.memory import Memory

COLOURS = 6  # lines that have a colour of their own; the others are the background
BARE, PAPER = "none", "paper"
"""Names of two schemes that a page compares others with: no measure, and that of [li2024zerospace]."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One scheme over the rates.

    Attributes:
        name: of the scheme.
        place: its number among all schemes of the page.
        slot: its colour and marker; ``None`` for the background.
        means: of the metric over chips, at every rate.
        unlucky: percentile that stands for the unlucky chip, at every rate; empty where chips are too few for one.
        worst: the last chip seen on the unlucky side, at every rate.
        stds: standard deviation over chips, at every rate; ``nan`` of one chip.
        ideal: the metric without a stuck cell.
        cells: of the weights.
        overhead: cells besides, over those of the weights.
        known_map: the faults of every chip have to be found first.
        digital: cells are read one by one, and products computed elsewhere.
        tolerated: the rate up to which the mean loses no more than the drop asked for.
        order: what schemes are ranked by; more is better.
    """

    name: str
    place: int
    slot: int | None
    means: tuple[Interval, ...]
    unlucky: tuple[Interval, ...]
    worst: tuple[float, ...]
    stds: tuple[float, ...]
    ideal: float
    cells: int
    overhead: float
    known_map: bool
    digital: bool
    tolerated: Tolerance
    order: tuple[float, float]

    @property
    def beyond(self) -> bool:
        """It stands more than the highest rate measured."""
        return self.tolerated.sign == "≥"


@dataclass(frozen=True, kw_only=True)
class Swept:
    """One network on schemes and rates.

    Attributes:
        source: what the numbers come from.
        lines: its schemes, in their order.
        scale: how the metric is shown.
        tail: the percentile that stands for the unlucky chip.
        drop: loss of the mean that counts as tolerated.
    """

    source: FaultCurves
    lines: tuple[Line, ...]
    scale: Scale
    tail: Tail
    drop: float

    @property
    def title(self) -> str:
        """``"Encoder on sst2"``."""
        return title_of(self.source)

    @property
    def bare(self) -> Line:
        """Without any measure; the first where none is called so."""
        return self.named(BARE) or self.lines[0]

    @cached_property
    def ranked(self) -> list[Line]:
        """The scheme that stands most first."""
        return [self._line(name) for name in self.source.ranked(self.drop)]

    @cached_property
    def level(self) -> list[Line]:
        """Schemes that these chips do not tell from the one that stands most, that one first."""
        return [self._line(name) for name in self.source.level(self.drop)]

    @cached_property
    def taken(self) -> Line:
        """What to take, by the rule of :meth:`mho.evaluation.faults.FaultCurves.recommended`."""
        return self._line(self.source.recommended(self.drop))

    @cached_property
    def mapless(self) -> Line | None:
        """The same among analog schemes that need no map of faults, where :attr:`taken` is none; ``None`` without."""
        if not (self.taken.known_map or self.taken.digital):
            return None
        names = [line.name for line in self.lines if not (line.known_map or line.digital)]
        return self._line(self.source.recommended(self.drop, names)) if names else None

    @property
    def extreme(self) -> str:
        """What the last chip on the unlucky side is called."""
        return "worst" if self.scale.fraction else "lowest" if self.tail.low else "highest"

    @property
    def telling(self) -> int:
        """The rate at which schemes are compared: the first at which no measure loses more than is tolerated."""
        lost = [self.loss(interval.value) > self.drop for interval in self.bare.means]
        return lost.index(True) if any(lost) else len(lost) - 1

    def named(self, name: str) -> Line | None:
        """The scheme of this name."""
        return next((line for line in self.lines if line.name == name), None)

    def gain(self, line: Line, over: Line) -> Tolerance:
        """How many times the rate that ``over`` tolerates ``line`` does, on common chips."""
        return self.source.gain(line.name, over.name, self.drop)

    def loss(self, value: float) -> float:
        """How much worse than the digital network."""
        digital = self.source.digital
        return digital - value if self.source.higher_is_better else value - digital

    def _line(self, name: str) -> Line:
        return next(line for line in self.lines if line.name == name)


def swept(source: FaultCurves, slots: dict[str, int | None]) -> Swept:
    """Compute all numbers of ``source``; ``slots`` are the colours of all schemes of the page, in their order."""
    from mho.evaluation.faults.wording import drop_of

    # The 1st percentile of fewer chips than a hundred would be the worst of them.
    k = 1.0 if source.chips >= 100 else 5.0 if source.chips >= 20 else None
    higher, drop, places = source.higher_is_better, drop_of(source), list(slots)
    tail = Tail(k if k is None or higher else 100 - k, higher)
    drawn = [
        Line(
            name=name,
            place=places.index(name),
            slot=slots[name],
            means=tuple(source.mean(name)),
            unlucky=() if tail.k is None else tuple(source.percentile(name, tail.k)),
            worst=tuple(float(v.min() if higher else v.max()) for v in source.values[i]),
            stds=tuple(source.std(name)),
            ideal=source.ideal[i],
            cells=source.cells[i],
            overhead=source.overhead[i],
            known_map=source.known_map[i],
            digital=source.digital_read[i],
            tolerated=source.tolerated(name, drop),
            order=source.standing(name, drop),
        )
        for i, name in enumerate(source.schemes)
    ]
    return Swept(
        source=source, lines=tuple(drawn), scale=Scale(source.metric, source.bounded), tail=tail, drop=drop,
    )  # fmt: skip


def colours(sources: Sequence[FaultCurves]) -> dict[str, int | None]:
    """Every scheme of a page, and its colour: none, the paper's, what to take, then those that stand most."""
    names = dict.fromkeys(name for source in sources for name in source.schemes)
    # What to take, and how much a scheme stands, do not depend on colours.
    found = [swept(source, dict.fromkeys(names)) for source in sources]
    wanted = [BARE, PAPER, *(one.taken.name for one in found), *(line.name for one in found for line in one.ranked)]
    ordered = list(dict.fromkeys(name for name in wanted if name in names))[:COLOURS]
    return {name: ordered.index(name) if name in ordered else None for name in names}


def memory_of(source: FaultCurves, scheme: int) -> Memory | None:
    """The memory of a scheme; ``None`` of name rules, and of kinds that nobody has imported here."""
    from mho.memory import Memory
    from mho.spec import from_dict

    try:
        found = from_dict(source.memories[scheme], Memory)
    except MhoError:
        return None
    return found if isinstance(found, Memory) else None


def title_of(source: FaultCurves) -> str:
    """``"Encoder on sst2"``; as much of it as is known."""
    return " on ".join(filter(None, [source.label, source.data])) or "this network"
