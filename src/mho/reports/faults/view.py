"""What a page knows of stuck cells: every source in its place, and one colour a scheme."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from mho.errors import SpecError
from mho.reports.faults.curves import Swept, colours, swept, title_of
from mho.reports.labels import one_label_each
from mho.reports.scale import Tail

if TYPE_CHECKING:
    from mho.evaluation.faults import FaultCurves, FaultSensitivity
    from mho.mapping.plane_statistics import PlaneStatistics
    from mho.memory.description import Description
    from mho.training.gates.result import Pruned

    Source: TypeAlias = FaultCurves | FaultSensitivity | Pruned | Description | PlaneStatistics


def kinds() -> tuple[type, ...]:
    """What a page of stuck cells takes."""
    from mho.evaluation.faults import FaultCurves, FaultSensitivity
    from mho.mapping.plane_statistics import PlaneStatistics
    from mho.memory.description import Description
    from mho.training.gates.result import Pruned

    return (FaultCurves, FaultSensitivity, Pruned, Description, PlaneStatistics)


@dataclass(frozen=True, kw_only=True)
class Faulty:
    """Everything about stuck cells on one page.

    Attributes:
        curves: schemes over rates, one a network, metric or fault model.
        sensitivities: what single layers or planes do.
        pruned: what was pruned, and what that cost.
        described: where copies sit.
        statistics: what weights look like as planes of bits.
        confidence: of intervals.
    """

    curves: tuple[Swept, ...]
    sensitivities: tuple[FaultSensitivity, ...]
    pruned: tuple[Pruned, ...]
    described: tuple[Description, ...]
    statistics: tuple[PlaneStatistics, ...]
    confidence: float

    @classmethod
    def of(cls, sources: Sequence[Source]) -> Faulty:
        """Sort ``sources``, at least one.

        Raises:
            SpecError: what none of these is; two curves of one label and test set; intervals of several confidences.
        """
        from mho.evaluation.faults import FaultCurves, FaultSensitivity
        from mho.mapping.plane_statistics import PlaneStatistics
        from mho.memory.description import Description
        from mho.training.gates.result import Pruned

        for source in sources:
            if not isinstance(source, kinds()):
                raise SpecError(
                    f"faults holds a {type(source).__name__}; it takes what mho.faults, faults.by_layer and by_plane, "
                    "training.prune, mho.describe and mapping.statistics return"
                )
        found = [s for s in sources if isinstance(s, FaultCurves)]
        one_label_each([title_of(s) for s in found], "curves", "mho.faults")
        sensitivities = tuple(s for s in sources if isinstance(s, FaultSensitivity))
        confidences = {s.confidence for s in found} | {s.confidence for s in sensitivities}
        if len(confidences) > 1:
            said = " and ".join(f"{100 * c:g} %" for c in sorted(confidences))
            raise SpecError(f"faults holds intervals of {said}; give one confidence to all")
        slots = colours(found)
        return cls(
            curves=tuple(swept(s, slots) for s in found),
            sensitivities=sensitivities,
            pruned=tuple(s for s in sources if isinstance(s, Pruned)),
            described=tuple(s for s in sources if isinstance(s, Description)),
            statistics=tuple(s for s in sources if isinstance(s, PlaneStatistics)),
            confidence=confidences.pop() if confidences else 0.95,
        )

    @property
    def measured(self) -> Iterator[Any]:
        """What was measured on chips."""
        yield from (s.source for s in self.curves)
        yield from self.sensitivities

    @property
    def tail(self) -> Tail:
        """The percentile that stands for the unlucky chip of the first curves."""
        return self.curves[0].tail if self.curves else Tail(None, True)

    @property
    def extreme(self) -> str:
        """What the last chip on the unlucky side is called."""
        return self.curves[0].extreme if self.curves else "worst"
