"""What a page knows of training on arrays: every source in its place, and one colour an algorithm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from mho.analog.naming import TITLES
from mho.errors import SpecError

if TYPE_CHECKING:
    from mho.analog.algorithm import Algorithm
    from mho.analog.experiments.programming_result import Programming
    from mho.analog.experiments.sweep_result import Sweep
    from mho.analog.experiments.toy import Toy
    from mho.analog.network_cost import NetworkCost
    from mho.analog.retention import Retention
    from mho.analog.update_time import UpdateCost
    from mho.analog.update_times import UpdateTimes
    from mho.analog.wear import Wear

    Source: TypeAlias = Toy | Programming | Sweep | UpdateCost | UpdateTimes | NetworkCost | Wear | Retention

DIGITAL = ("MixedPrecision", "FloatingPoint")
"""Algorithms that add gradients up digitally: what arrays are measured against."""


def kinds() -> tuple[type, ...]:
    """What a page of training on arrays takes."""
    from mho.analog.experiments.programming_result import Programming
    from mho.analog.experiments.sweep_result import Sweep
    from mho.analog.experiments.toy import Toy
    from mho.analog.network_cost import NetworkCost
    from mho.analog.retention import Retention
    from mho.analog.update_time import UpdateCost
    from mho.analog.update_times import UpdateTimes
    from mho.analog.wear import Wear

    return (Toy, Programming, Sweep, UpdateCost, UpdateTimes, NetworkCost, Wear, Retention)


@dataclass(frozen=True, kw_only=True)
class Analog:
    """Everything about training on arrays on one page.

    Attributes:
        toys: traces of one crosspoint.
        programmings: errors of programmed arrays.
        sweeps: test errors of networks.
        updates: what an update costs.
        networks: what a sample of a network costs.
        wears: pulses that devices got.
        retentions: how long arrays have to remember.
        slots: colour of every algorithm, by what tables call it.
        confidence: of intervals.
    """

    toys: tuple[Toy, ...]
    programmings: tuple[Programming, ...]
    sweeps: tuple[Sweep, ...]
    updates: tuple[UpdateCost, ...]
    networks: tuple[NetworkCost, ...]
    wears: tuple[Wear, ...]
    retentions: tuple[Retention, ...]
    slots: dict[str, int]
    confidence: float

    @classmethod
    def of(cls, sources: Sequence[Source]) -> Analog:
        """Sort ``sources``, at least one.

        Raises:
            SpecError: what none of these is, or intervals of several confidences.
        """
        from mho.analog.experiments.programming_result import Programming
        from mho.analog.experiments.sweep_result import Sweep
        from mho.analog.experiments.toy import Toy
        from mho.analog.network_cost import NetworkCost
        from mho.analog.retention import Retention
        from mho.analog.update_time import UpdateCost
        from mho.analog.update_times import UpdateTimes
        from mho.analog.wear import Wear

        for source in sources:
            if not isinstance(source, kinds()):
                raise SpecError(
                    f"analog holds a {type(source).__name__}; it takes what analog.toy, program, sweep, update_time, "
                    "update_times, cost, wear and retention return"
                )
        toys = tuple(s for s in sources if isinstance(s, Toy))
        programmings = tuple(s for s in sources if isinstance(s, Programming))
        sweeps = tuple(s for s in sources if isinstance(s, Sweep))
        updates = [s for s in sources if isinstance(s, UpdateCost)]
        updates += [cost for s in sources if isinstance(s, UpdateTimes) for cost in s.costs]
        confidences = {s.confidence for s in programmings} | {s.confidence for s in sweeps}
        if len(confidences) > 1:
            said = " and ".join(f"{100 * c:g} %" for c in sorted(confidences))
            raise SpecError(f"analog holds intervals of {said}; give one confidence to all")
        labels = [label for p in programmings for label in p.labels] + [label for s in sweeps for label in s.labels]
        labels += [toy.label for toy in toys] + [cost.algorithm for cost in updates]
        # The order of the published table, so that an algorithm has one colour on every page that has them all.
        usual = {title: i for i, title in enumerate(TITLES.values())}
        ordered = sorted(dict.fromkeys(labels), key=lambda label: usual.get(label, len(usual)))
        return cls(
            toys=toys,
            programmings=programmings,
            sweeps=sweeps,
            updates=tuple(updates),
            networks=tuple(s for s in sources if isinstance(s, NetworkCost)),
            wears=tuple(s for s in sources if isinstance(s, Wear)),
            retentions=tuple(s for s in sources if isinstance(s, Retention)),
            slots={label: i for i, label in enumerate(ordered)},
            confidence=confidences.pop() if confidences else 0.95,
        )

    @property
    def sources(self) -> Iterator[Any]:
        """All of them, in the order of the page."""
        for kind in (self.toys, self.programmings, self.sweeps, self.updates, self.networks, self.wears):
            yield from kind
        yield from self.retentions

    def algorithms(self) -> dict[str, Algorithm]:
        """Every algorithm that ran, as at its first point, by what tables call it."""
        out: dict[str, Algorithm] = {}
        for programming in self.programmings:
            for level in programming.levels:
                out.setdefault(level.label, level.algorithm)
        for sweep in self.sweeps:
            for point in sweep.points:
                if point.algorithm is not None:
                    out.setdefault(point.label, point.algorithm)
        for toy in self.toys:
            out.setdefault(toy.label, toy.algorithm)
        return out

    def specs(self) -> dict[str, str]:
        """The same as YAML."""
        return {label: algorithm.to_yaml() for label, algorithm in self.algorithms().items()}
