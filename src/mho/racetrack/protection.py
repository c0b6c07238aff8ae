"""What protection returns: every selection of layers with what it keeps and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mho.errors import unknown
from mho.evaluation.statistics import Interval
from mho.racetrack.curves import Curves
from mho.racetrack.protected import Protected, pareto
from mho.text import table
from mho.units import percent, significant

__all__ = ["Protected", "Protection"]


@dataclass(frozen=True, kw_only=True)
class Protection:
    """Selections of protected layers, each with its metric at several ages and its overhead.

    Attributes:
        selections: in the order asked for (of :func:`mho.racetrack.front`, by overhead).
        layers: the layers that can be protected, in the order of the model.
        age: inferences at which the metric was taken, ascending.
        baseline: metric without faults.
        base_cycles: cycles of an inference without protection.
        target: metric wanted after the last age.
        code: label of the position-error code.
        leaves: which errors stay in protected layers, in words; empty where none do.
        curves: the single-layer drops that selections were chosen by, if any.
        metric: name of the metric; its values are fractions for accuracies.
        images: samples that every chip was judged on.
        higher_is_better: as of accuracy.
        bounded: the metric is a fraction and is shown in percent.
        confidence: two-sided coverage of every interval.
        seed: of the deployments.
        first_chip: number of the first chip.
        label, data: what tables call the memory and the test set.
        provenance: versions, device, and wall time.
    """

    selections: tuple[Protected, ...]
    layers: tuple[str, ...]
    age: tuple[float, ...]
    baseline: float
    base_cycles: float
    target: float
    code: str
    metric: str
    images: int
    higher_is_better: bool = True
    bounded: bool = True
    confidence: float = 0.95
    seed: int = 0
    first_chip: int = 0
    label: str = ""
    data: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)
    curves: Curves | None = None
    leaves: str = ""

    def __getitem__(self, name: str) -> Protected:
        found = {s.name: s for s in self.selections}
        if name not in found:
            raise unknown("selection", name, found)
        return found[name]

    def mean(self, name: str, age: int = -1) -> Interval:
        """Mean of a selection at the age with index ``age`` (the last one), with its interval."""
        return self[name].mean(age, self.confidence)

    @property
    def front(self) -> tuple[Protected, ...]:
        """Selections that no other one beats in both metric after the last age and overhead, by overhead.

        Means decide: two whose intervals overlap may change places with other chips.
        """
        return pareto(self.selections, higher_is_better=self.higher_is_better)

    @property
    def choice(self) -> Protected | None:
        """The cheapest selection whose mean meets the target after the last age; ``None`` if none does."""
        good = [s for s in self.selections if self.meets(s)]
        return min(good, key=lambda s: (s.cycles, len(s.layers))) if good else None

    def only(self, selections: Sequence[Protected]) -> Protection:
        """The same with these selections alone."""
        return replace(self, selections=tuple(selections))

    def meets(self, selection: Protected) -> bool:
        """Whether the mean of ``selection`` after the last age is as good as the target."""
        mean = selection.mean().value
        return mean >= self.target if self.higher_is_better else mean <= self.target

    def share(self, selection: Protected) -> float:
        """The cycles of ``selection`` over those of protecting every layer; ``nan`` where that was not asked for."""
        full = self._full
        return selection.cycles / full.cycles if full is not None and full.cycles else float("nan")

    @property
    def _full(self) -> Protected | None:
        """The selection that protects every layer, if it was asked for."""
        return next((s for s in self.selections if len(s.layers) == len(self.layers)), None)

    def rows(self) -> list[dict[str, Any]]:
        """One flat record a selection and age (fractions, cycles)."""
        front = {s.name for s in self.front}
        return [
            {
                "selection": s.name,
                "mask": s.mask,
                "protected": ",".join(s.layers),
                "age": age,
                "mean": mean.value,
                "mean_low": mean.low,
                "mean_high": mean.high,
                "min": float(s.values[j].min()),
                "cycles": s.cycles,
                "overhead": s.overhead,
                "share": self.share(s),
                "on_front": s.name in front,
            }
            for s in self.selections
            for j, age in enumerate(self.age)
            for mean in (s.mean(j, self.confidence),)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything, chip by chip."""
        from dataclasses import fields

        out = {f.name: getattr(self, f.name) for f in fields(self)}
        curves = None if self.curves is None else self.curves.to_dict()
        return out | {"selections": [s.to_dict() for s in self.selections], "curves": curves}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Protection:
        """What :meth:`to_dict` wrote."""
        lists = {k: tuple(data[k]) for k in ("layers", "age")}
        made = {
            "selections": tuple(Protected.from_dict(s) for s in data["selections"]),
            "curves": None if data.get("curves") is None else Curves.from_dict(data["curves"]),
        }
        return cls(**(data | lists | made))

    def __str__(self) -> str:
        show = percent if self.bounded else significant
        front, choice = {s.name for s in self.front}, self.choice
        rows = []
        for s in self.selections:
            last = s.mean(-1, self.confidence)
            rows.append(
                [
                    s.name + ("*" if s.name in front else ""),
                    s.mask,
                    *(show(s.mean(j).value) for j in range(len(self.age) - 1)),
                    f"{show(last.value)} [{show(last.low)}, {show(last.high)}]",
                    "–" if s.predicted is None else show(s.predicted),
                    significant(s.cycles),
                    percent(s.overhead),
                ]
            )
        header = ["selection", "mask", *(f"{a:g} inf." for a in self.age), "foretold", "cycles", "overhead %"]
        full, chosen = self._full, "none" if choice is None else choice.name
        if full is not None and self.leaves and not self.meets(full):
            chosen += f" (even protecting every layer misses it: {self.leaves})"
        title = (
            f"{self.label}: {self.metric}{' in %' if self.bounded else ''} by protected layers ({self.code}), "
            f"{self.selections[0].values.shape[1]} chips, {self.images} samples, seed {self.seed}; without faults "
            f"{show(self.baseline)}; target {show(self.target)} is met most cheaply by: {chosen}; "
            f"* on the front; [{100 * self.confidence:g} % intervals over chips]"
        )
        return table(header, rows, left=2, title=title)
