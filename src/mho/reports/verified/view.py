"""Verifications of one page and their numbers, each computed once for the answer, the tables and the figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mho.errors import SpecError
from mho.evaluation.statistics import Interval, mean_interval, percentile_interval
from mho.reports.labels import one_label_each
from mho.reports.scale import Scale, Tail
from mho.reports.wording import ordinal, share

if TYPE_CHECKING:
    from mho.evaluation.verification import Verification

DROP = 0.005  # of a fraction: "for half a point", where a verification has no target of its own
WORDS = {
    "hutchinson": ("Hutchinson", "by Hutchinson’s estimate"),
    "fisher": ("Fisher", "by Fisher information"),
    "random": ("random", "at random"),
    "in-situ": ("in-situ training", "by in-situ training"),
}
"""Ranking to its name, and to how it is said in a sentence."""


class Point(NamedTuple):
    """One ranking at one fraction of the weights, in the units of the verification.

    Attributes:
        ranking: what decides which weights are verified first.
        fraction: of the weights verified.
        chips: how many have a value.
        mean: over chips.
        unlucky: percentile that stands for the unlucky chip; ``None`` where chips are too few for one.
        extreme: the last chip seen on the unlucky side.
        nwc: cycles of verification over those of verifying everything.
        with_first: the same with the first write of every cell.
        cycles: write cycles a chip, in all.
        failures: cells a chip that did not converge.
        seconds: of programming a chip; ``nan`` where nobody knows.
        joules: of programming a chip; ``nan`` where nobody knows.
    """

    ranking: str
    fraction: float
    chips: int
    mean: Interval
    unlucky: Interval | None
    extreme: float
    nwc: float
    with_first: float
    cycles: float
    failures: float
    seconds: float
    joules: float


class Stop(NamedTuple):
    """What every chip by itself needed under one ranking, fractions of the weights; infinite: it never got there.

    Attributes:
        median: half of the chips need this or less.
        most: 95 % of the chips need this or less.
        never: chips that never got there.
        chips: all of them.
        mean: of the metric on test data, where they stopped.
    """

    median: float
    most: float
    never: int
    chips: int
    mean: Interval


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One verification of the page.

    Attributes:
        label: what the page calls it.
        source: where the numbers are from.
        points: ranking to its points, by fraction.
        stops: ranking to what every chip by itself needed; empty where that was not asked for.
    """

    label: str
    source: Verification
    points: dict[str, list[Point]]
    stops: dict[str, Stop]

    @property
    def full(self) -> Point:
        """The most that was verified, of the first ranking: every weight, unless fractions end below one."""
        return next(iter(self.points.values()))[-1]

    @property
    def everything(self) -> str:
        """What the full point verifies, in words."""
        fraction = self.full.fraction
        return "all" if fraction == 1 else f"{share(fraction)} of them"

    @property
    def drop(self) -> float | None:
        """How far below full verification is near enough; ``None`` where nobody says, or not all was verified."""
        source = self.source
        if self.full.fraction != 1:
            return None
        return source.target_drop if source.target_drop is not None else DROP if source.bounded else None


@dataclass(frozen=True, kw_only=True)
class Verifications:
    """All verifications of a page.

    Attributes:
        entries: in the order of the page.
        scale: how their one metric is shown.
        tail: the percentile that stands for the unlucky chip.
        higher: more is better.
    """

    entries: tuple[Entry, ...]
    scale: Scale
    tail: Tail
    higher: bool

    @classmethod
    def of(cls, sources: Sequence[Verification]) -> Verifications:
        """Compute all numbers of ``sources``, at least one.

        Raises:
            SpecError: two of one label, or they measure different things.
        """
        labels = one_label_each([s.label for s in sources], "verifications", "verify")
        scales = {Scale(s.metric, s.bounded) for s in sources}
        if len(scales) > 1:
            names = ", ".join(sorted({s.metric for s in scales}))
            raise SpecError(f"verifications measure different things ({names}); show each metric by itself")
        scale, higher = scales.pop(), _higher(sources[0])
        chips = min(s.values.shape[-1] for s in sources)
        # The 1st percentile of fewer chips than a hundred would be the worst of them.
        k = 1.0 if chips >= 100 else 5.0 if chips >= 20 else None
        tail = Tail(k if k is None or higher else 100 - k, higher)
        entries = tuple(
            Entry(
                label=label,
                source=s,
                points={r: _points(s, i, tail) for i, r in enumerate(s.rankings)},
                stops={} if s.needed is None else {r: _stop(s, i) for i, r in enumerate(s.rankings)},
            )
            for label, s in zip(labels, sources, strict=True)
        )
        return cls(entries=entries, scale=scale, tail=tail, higher=higher)

    @property
    def rankings(self) -> list[str]:
        """All rankings, in the order of first mention; a ranking's place is its colour."""
        return list(dict.fromkeys(r for e in self.entries for r in e.points))

    @property
    def extreme(self) -> str:
        """What the last chip on the unlucky side is called."""
        return "worst" if self.scale.fraction else "lowest" if self.tail.low else "highest"

    @property
    def percentile(self) -> str:
        """``"1st percentile"``; empty where chips are too few."""
        return "" if self.tail.k is None else f"{ordinal(self.tail.k)} percentile"

    def enough(self, entry: Entry, points: list[Point], drop: float) -> Point | None:
        """The cheapest point whose mean is within ``drop`` of full verification."""
        limit = entry.full.mean.value + (-drop if self.higher else drop)
        return self.reaching(points, limit)

    def reaching(self, points: list[Point], mean: float) -> Point | None:
        """The cheapest point whose mean is as good as ``mean``."""
        good = [p for p in points if (p.mean.value >= mean if self.higher else p.mean.value <= mean)]
        return min(good, key=lambda p: p.nwc, default=None)

    def told(self, entry: Entry, point: Point, statistic: str) -> str:
        """What a point says when it is asked: a line each."""
        interval = point.mean if statistic == "mean" else point.unlucky
        assert interval is not None
        cost = f"NWC {point.nwc:.3g}, {point.with_first:.3g} with the first write"
        return "\n".join(
            [
                f"{entry.label}, {name(point.ranking)}",
                f"{share(point.fraction)} of the weights verified",
                f"{statistic} {self.scale.measured(interval)}",
                cost,
                f"{point.chips:,} chips",
            ]
        )


def name(ranking: str) -> str:
    """``"second derivative"``."""
    return WORDS[ranking][0] if ranking in WORDS else ranking.replace("-", " ")


def by(ranking: str) -> str:
    """``"by second derivative"``, ``"at random"``."""
    return WORDS[ranking][1] if ranking in WORDS else f"by {name(ranking)}"


def _higher(source: Verification) -> bool:
    """More is better: of fractions always; of others, if verifying everything raised the mean."""
    if source.bounded:
        return True
    means = source.values.mean(-1)
    return bool(means[0, -1] >= means[0, 0])


def _points(source: Verification, i: int, tail: Tail) -> list[Point]:
    out = []
    for j in sorted(range(len(source.fractions)), key=lambda j: source.fractions[j]):
        values = source.values[i, j]
        known = values[abs(values) < math.inf]
        extreme = math.nan if not len(known) else float(known.min() if tail.low else known.max())
        unlucky = None
        if tail.k is not None and len(known):
            unlucky = percentile_interval(known, tail.k, source.confidence)
        numbers = (source.nwc, source.nwc_with_first_write, source.cycles, source.failures)
        nwc, first, cycles, failures = (float(a[i, j]) for a in numbers)
        seconds, joules = (math.nan if a is None else float(a[i, j]) for a in (source.seconds, source.joules))
        mean = mean_interval(known, source.confidence)
        out.append(
            Point(source.rankings[i], source.fractions[j], len(known), mean, unlucky, extreme, nwc, first, cycles,
                  failures, seconds, joules)
        )  # fmt: skip
    return out


def _stop(source: Verification, i: int) -> Stop:
    assert source.needed is not None
    assert source.reached is not None
    needed = sorted(math.inf if math.isnan(v) else float(v) for v in source.needed[i])
    n = len(needed)
    mean = mean_interval(source.reached[i], source.confidence)
    return Stop(needed[(n - 1) // 2], needed[math.ceil(0.95 * n) - 1], sum(map(math.isinf, needed)), n, mean)
