"""Worst cases of one page and their numbers, each computed once for the answer, the tables and the figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mho.errors import SpecError
from mho.reports.labels import one_label_each
from mho.reports.scale import Scale
from mho.reports.wording import share

if TYPE_CHECKING:
    from mho.evaluation.worst_case.result import WorstCase

KINDS = {"gaussian": "Gaussian", "uniform": "uniform", "corners": "corner"}
"""Random chips as adjectives: their deviations are clipped Gaussians, uniform in the box, or the bound itself."""


class Random(NamedTuple):
    """Random chips within a bound.

    Attributes:
        kind: how they were drawn; ``"random"`` for all kinds together.
        chips: how many have a value.
        mean: of the metric.
        worst: the last one on the bad side.
        best: the last one on the other side.
    """

    kind: str
    chips: int
    mean: float
    worst: float
    best: float

    @property
    def words(self) -> str:
        """``"100 Gaussian"``."""
        return f"{self.chips:,} {KINDS.get(self.kind, self.kind)}"


class Point(NamedTuple):
    """One worst case at one bound.

    Attributes:
        bound: fraction of the full scale.
        tolerance: of the cells, fraction of their range; ``None`` where none was given.
        found: metric of the worst chip found, on test data.
        searched: the same chip on the data it was searched on.
        reached: largest deviation of any weight, fraction of the full scale.
        won: loss and start of the search that found it.
        random: the random chips, by kind.
    """

    bound: float
    tolerance: float | None
    found: float
    searched: float
    reached: float
    won: str
    random: tuple[Random, ...]

    @property
    def where(self) -> str:
        """``"±3 % of the full scale"``."""
        return f"±{share(self.bound)} of the full scale"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One worst case of the page.

    Attributes:
        index: its place among the worst cases, from zero.
        slot: its colour; that of the result of the same label where the page has one.
        label: what the page calls it.
        case: where the numbers are from.
        points: by bound, ascending.
    """

    index: int
    slot: int
    label: str
    case: WorstCase
    points: tuple[Point, ...]

    @property
    def harshest(self) -> Point:
        """The point at the largest bound that gave a value."""
        return next((p for p in reversed(self.points) if math.isfinite(p.found)), self.points[-1])


@dataclass(frozen=True, kw_only=True)
class WorstCases:
    """All worst cases of a page.

    Attributes:
        entries: in the order of the page.
        scale: how their one metric is shown.
        higher: more is better.
    """

    entries: tuple[Entry, ...]
    scale: Scale
    higher: bool

    @classmethod
    def of(cls, cases: Sequence[WorstCase], known: Sequence[str] = ()) -> WorstCases:
        """Compute all numbers of ``cases``, at least one.

        Args:
            cases: of one metric, with different labels.
            known: labels of the page's results; a case of the same label has the same colour.

        Raises:
            SpecError: two cases of one label, or they measure different things.
        """
        labels = one_label_each([c.label for c in cases], "worst cases", "worst_case")
        metrics = {(c.metric, c.bounded, c.higher_is_better) for c in cases}
        if len(metrics) > 1:
            names = ", ".join(sorted({m for m, *_ in metrics}))
            raise SpecError(f"worst cases measure different things ({names}); show each metric by itself")
        metric, bounded, higher = metrics.pop()
        alike = set(labels) <= set(known)
        entries = tuple(
            Entry(
                index=i,
                slot=list(known).index(label) if alike else i,
                label=label,
                case=case,
                points=tuple(sorted((_point(case, j) for j in range(len(case.bounds))), key=lambda p: p.bound)),
            )
            for i, (label, case) in enumerate(zip(labels, cases, strict=True))
        )
        return cls(entries=entries, scale=Scale(metric, bounded), higher=higher)

    @property
    def bounds(self) -> list[float]:
        """All bounds, ascending."""
        return sorted({p.bound for e in self.entries for p in e.points})

    @property
    def kinds(self) -> list[str]:
        """All kinds of random chips, in the order of first mention."""
        return list(dict.fromkeys(r.kind for e in self.entries for p in e.points for r in p.random))

    @property
    def tolerances(self) -> dict[float, float]:
        """Bound to tolerance; empty where a bound has none, or two cases disagree."""
        out: dict[float, float] = {}
        for point in (p for e in self.entries for p in e.points):
            if point.tolerance is None or out.setdefault(point.bound, point.tolerance) != point.tolerance:
                return {}
        return out

    @property
    def alike(self) -> bool:
        """All cases were searched, and judged, on the same data."""
        return len({(c.search_data, c.search_images, c.data, c.images) for c in (e.case for e in self.entries)}) == 1

    def worse(self, a: float, b: float) -> bool:
        """``a`` is worse than ``b``."""
        return a < b if self.higher else a > b

    def chance(self, point: Point) -> Random | None:
        """Random chips of all kinds together; ``None`` without any."""
        if not point.random:
            return None
        chips, pick = sum(r.chips for r in point.random), (min, max) if self.higher else (max, min)
        mean = sum(r.mean * r.chips for r in point.random) / chips
        worst, best = pick[0](r.worst for r in point.random), pick[1](r.best for r in point.random)
        return Random("random", chips, mean, worst, best)

    def told(self, entry: Entry, point: Point) -> str:
        """What the chip found says when it is asked: a line each."""
        said = self.scale.said
        lines = [entry.label, f"worst chip found within {point.where}"]
        lines.append(f"{said(point.found)} on test data, {said(point.searched)} on the data searched")
        lines += [f"found by {point.won}"] * bool(point.won)
        if point.tolerance is not None:
            lines.append(f"cells verified to {share(point.tolerance)} of their range")
        return "\n".join(lines)

    def drawn(self, entry: Entry, point: Point, random: Random) -> str:
        """What the worst of the random chips says when it is asked."""
        said = self.scale.said
        worst = f"worst {said(random.worst)}, mean {said(random.mean)}"
        return f"{entry.label}\n{random.words} chips within {point.where}\n{worst}"


def _point(case: WorstCase, i: int) -> Point:
    drawn = []
    for kind, values in case.random.items():
        known = [float(v) for v in values[i] if math.isfinite(v)]
        if known:
            ends = (min(known), max(known)) if case.higher_is_better else (max(known), min(known))
            drawn.append(Random(kind, len(known), sum(known) / len(known), *ends))
    return Point(
        case.bounds[i], None if case.tolerances is None else case.tolerances[i], float(case.found[i]),
        float(case.searched[i]), float(case.reached[i]), case.won[i], tuple(drawn),
    )  # fmt: skip
