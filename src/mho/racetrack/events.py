"""What a tally returns: the events of every layer, expected and on every chip."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mho.errors import unknown
from mho.racetrack.counting import Counting
from mho.text import table
from mho.units import significant

Event = Literal["faults", "detections", "corrections", "reloads", "undetected"]
"""Position errors; those that a code noticed; of these the ones that it moved back (rightly or not) and the ones for
which the nanowire was written again; and errors that left an offset."""
EVENTS: tuple[Event, ...] = get_args(Event)


@dataclass(frozen=True, kw_only=True)
class LayerTally:
    """One layer after some inferences.

    Attributes:
        name: of the layer.
        nanowires: that move on their own.
        protected: of these, behind a code.
        shifts: shift operations.
        checks: of these and by a code.
        expected: events to their expectation.
        std: events to their standard deviation between chips.
        counts: events to ``(chips,)`` int64, how many happened to each chip.
    """

    name: str
    nanowires: int
    protected: int
    shifts: int
    checks: int
    expected: dict[Event, float]
    std: dict[Event, float]
    counts: dict[Event, NDArray[np.int64]]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "name"}
        return {"layer": self.name, **fields, "counts": {event: n.tolist() for event, n in self.counts.items()}}


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What happened to every layer on nanowires of some chips.

    Attributes:
        layers: in the order of the model.
        numbers: of the chips.
        inferences: how many each has done.
        counting: whose nanowires are counted.
    """

    layers: tuple[LayerTally, ...]
    numbers: tuple[int, ...]
    inferences: int
    counting: Counting

    def __getitem__(self, name: str) -> LayerTally:
        found = {layer.name: layer for layer in self.layers}
        if name not in found:
            raise unknown("layer", name, found)
        return found[name]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "layers": [layer.to_dict() for layer in self.layers],
            "numbers": list(self.numbers),
            "inferences": self.inferences,
            "counting": self.counting,
        }

    def rows(self) -> list[dict[str, Any]]:
        """One flat record a layer and event: expectation, its standard deviation, and the mean over chips."""
        return [
            {
                "layer": layer.name,
                "event": event,
                "expected": layer.expected[event],
                "std": layer.std[event],
                "mean": float(layer.counts[event].mean()) if self.numbers else None,
            }
            for layer in self.layers
            for event in EVENTS
        ]

    def __str__(self) -> str:
        rows = []
        for layer in self.layers:
            seen = [f"{layer.counts[e].mean():,.4g}" for e in EVENTS] if self.numbers else []
            rows.append(
                [
                    layer.name,
                    f"{layer.nanowires:,}",
                    f"{layer.protected:,}",
                    f"{layer.shifts:,}",
                    f"{layer.checks:,}",
                    f"{significant(layer.expected['faults'])} ± {layer.std['faults']:.2g}",
                    *seen,
                ]
            )
        header = ["layer", "nanowires", "protected", "shifts", "checks", "expected", *(EVENTS if self.numbers else ())]
        means = f"; means of {len(self.numbers)} chips" if self.numbers else ""
        title = f"After {self.inferences:,} inferences: position errors expected (± between chips){means}"
        return table(header, rows, title=title)
