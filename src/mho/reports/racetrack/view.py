"""What a page knows of a racetrack memory, each number computed once for the answer, the tables and the figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from mho.errors import SpecError
from mho.reports.racetrack.layers import Compared, compared
from mho.reports.racetrack.lines import Line, lines
from mho.reports.scale import Scale, Tail

if TYPE_CHECKING:
    from mho.evaluation.result import Result
    from mho.racetrack.curves import Curves
    from mho.racetrack.heat_map import HeatMap
    from mho.racetrack.overhead import Overhead
    from mho.racetrack.protection import Protection

    Source: TypeAlias = Result | Curves | HeatMap | Protection | Overhead

T = TypeVar("T")
INFERENCES = 100  # after which layers are compared, where nothing says how many


@dataclass(frozen=True, kw_only=True)
class Racetracks:
    """Everything about racetrack memories on one page.

    Attributes:
        lines: memories, then choices of protected layers, over inferences.
        compared: what every layer alone costs; ``None`` where nothing says.
        results: of :func:`mho.evaluate`.
        curves: of one layer alone; ``None`` without.
        heat: drops by layer, fault rate and track length; ``None`` without.
        protection: choices with their costs; ``None`` without.
        overheads: cost of every result, in their order; or of one memory, where there are no results.
        scale: how their one metric is shown.
        tail: the percentile that stands for the unlucky chip.
        higher: more is better.
        digital: metric without faults; ``nan`` where nothing says.
        confidence: of intervals.
    """

    lines: tuple[Line, ...]
    compared: Compared | None
    results: tuple[Result, ...]
    curves: Curves | None
    heat: HeatMap | None
    protection: Protection | None
    overheads: tuple[Overhead, ...]
    scale: Scale
    tail: Tail
    higher: bool
    digital: float
    confidence: float

    @classmethod
    def of(cls, sources: Sequence[Source]) -> Racetracks:
        """Compute all numbers of ``sources``, at least one.

        Args:
            sources: results of one metric with different labels; at most one of each other kind, but of overheads
                as many as results.

        Raises:
            SpecError: what none of these is, two of a kind that a page has once, two results of one label, overheads
                alone or of other memories than the results, or they measure different things.
        """
        from mho.evaluation.result import Result
        from mho.racetrack.curves import Curves
        from mho.racetrack.heat_map import HeatMap
        from mho.racetrack.overhead import Overhead
        from mho.racetrack.protection import Protection

        for source in sources:
            if not isinstance(source, Result | Curves | HeatMap | Protection | Overhead):
                raise SpecError(
                    f"racetrack holds a {type(source).__name__}; it takes what mho.evaluate, racetrack.sensitivity, "
                    "Curves.heat_map, racetrack.protect and racetrack.overhead return"
                )
        results = tuple(s for s in sources if isinstance(s, Result))
        curves, heat, protection = _one(sources, Curves), _one(sources, HeatMap), _one(sources, Protection)
        if curves is None and protection is not None:
            curves = protection.curves
        overheads = tuple(s for s in sources if isinstance(s, Overhead))
        judged = [s for s in sources if not isinstance(s, Overhead)]
        if len(overheads) > 1 and len(overheads) != len(results):
            raise SpecError(f"racetrack takes the overhead of every result; got {len(overheads)} of {len(results)}")
        if not judged:
            raise SpecError("racetrack holds an overhead alone; add what mho.evaluate or racetrack.protect returns")
        scales = {Scale(s.metric, s.bounded) for s in judged}
        if len(scales) > 1:
            names = ", ".join(sorted({s.metric for s in scales}))
            raise SpecError(f"racetrack results measure different things ({names}); show each metric by itself")
        scale = scales.pop()
        higher = all(s.higher_is_better for s in (curves, protection) if s is not None) and (
            not results or scale.fraction
        )
        chips = [r.values.shape[-1] for r in results]
        chips += [s.values.shape[-1] for s in (protection.selections if protection is not None else ())]
        tail = _tail(min(chips, default=0), higher)
        drawn = lines(results, overheads if len(overheads) == len(results) else (), protection, tail)
        ages = [line.age[-1] for line in drawn if line.age[-1] > 0]
        inferences = heat.inferences if heat is not None else int(max(ages, default=INFERENCES))
        return cls(
            lines=drawn,
            compared=compared(curves, heat, inferences),
            results=results,
            curves=curves,
            heat=curves.heat_map(inferences=inferences) if curves is not None and heat is None else heat,
            protection=protection,
            overheads=overheads,
            scale=scale,
            tail=tail,
            higher=higher,
            digital=_digital(results, curves, protection),
            confidence=judged[0].confidence,
        )

    @property
    def bare(self) -> Line | None:
        """What happens without protection; of plain results the first; ``None`` without either."""
        return next((line for line in self.lines if line.layers == ()), next(iter(self.lines), None))

    @property
    def full(self) -> Line | None:
        """Every layer protected; ``None`` where that was not looked at."""
        return next((line for line in self.lines if self.every and line.layers == self.every), None)

    @property
    def choice(self) -> Line | None:
        """What to protect: the cheapest that meets the target; ``None`` where none does, or nobody has one."""
        chosen = None if self.protection is None else self.protection.choice
        return None if chosen is None else next(line for line in self.lines if line.name == chosen.name)

    @property
    def selections(self) -> list[Line]:
        """The choices of protected layers, with what they cost."""
        return [line for line in self.lines if line.layers is not None]

    @property
    def every(self) -> tuple[str, ...]:
        """All layers that could be protected, in the order of the model; empty where nothing says."""
        if self.protection is not None:
            return self.protection.layers
        return tuple(layer.name for layer in self.overheads[0].layers) if self.overheads else ()

    @property
    def code(self) -> str:
        """The position-error code; empty where nothing says."""
        named = dict.fromkeys(code for overhead in self.overheads for code in overhead.codes)
        return self.protection.code if self.protection is not None else ", ".join(named)

    @property
    def base_cycles(self) -> float:
        """Of an inference without protection; ``nan`` where nothing says."""
        if self.protection is not None:
            return self.protection.base_cycles
        return self.overheads[0].base_cycles if self.overheads else math.nan

    @property
    def target(self) -> float:
        """Metric wanted after the last age; ``nan`` where nobody has a target."""
        return math.nan if self.protection is None else float(self.protection.target)

    @property
    def extreme(self) -> str:
        """What the last chip on the unlucky side is called."""
        return "worst" if self.scale.fraction else "lowest" if self.tail.low else "highest"

    def worse(self, a: float, b: float) -> float:
        """How much worse ``a`` is than ``b``."""
        return b - a if self.higher else a - b


def _one(sources: Sequence[object], kind: type[T]) -> T | None:
    found = [s for s in sources if isinstance(s, kind)]
    if len(found) > 1:
        raise SpecError(f"a page has room for one racetrack {kind.__name__}, not {len(found)}; write a page each")
    return found[0] if found else None


def _tail(chips: int, higher: bool) -> Tail:
    """The 1st percentile of fewer chips than a hundred would be the worst of them."""
    k = 1.0 if chips >= 100 else 5.0 if chips >= 20 else None
    return Tail(k if k is None or higher else 100 - k, higher)


def _digital(results: Sequence[Result], curves: Curves | None, protection: Protection | None) -> float:
    if protection is not None:
        return float(protection.baseline)
    if curves is not None:
        return float(curves.baseline)
    return next((float(r.digital) for r in results if math.isfinite(r.digital)), math.nan)
