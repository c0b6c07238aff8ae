"""Selections on their chips: deployed, evaluated and costed; no selection is judged twice at an age."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from mho.data.dataset import Dataset
from mho.devices.position_codes import PositionCode
from mho.errors import SpecError
from mho.evaluation import evaluate
from mho.evaluation.bench import Bench
from mho.memory import Chips, Memory, deploy
from mho.memory.rules import Rules
from mho.racetrack import selections
from mho.racetrack.counting import Counting
from mho.racetrack.drops import Drops, leaves, residual
from mho.racetrack.exposure import on_tracks
from mho.racetrack.overhead import overhead
from mho.racetrack.protected import Protected
from mho.racetrack.timing import Timing

Values = NDArray[np.float64]


class Judge:
    """A model and a test set on which selections of protected layers are judged, all on the same chips.

    Args:
        model: as for :func:`mho.deploy`.
        data: the test set.
        memory: what layers are on without protection.
        code: the position-error code.
        planes: how many of the most significant bit planes it guards; ``None`` for all.
        numbers: chip numbers.
        seed: of all deployments.
        timing: what the memory takes without protection.
        counting: whose nanowires are counted.
        how: the further arguments of :func:`mho.evaluate`.

    Attributes:
        chips: without protection.
        known: layer name to parameter name.
        cycles: layer to the cycles that protecting it adds.
        base_cycles: of an inference without protection.
        baseline: metric on noiseless cells; where some layers are on other memories, of new chips.
        residual: layer to the share of its errors that stay behind the code.
        leaves: which errors stay, in words.

    Raises:
        ModelError: no layer is on nanowires.
        SpecError: a memory is no racetrack, or has a correction; there are fewer bit planes.
    """

    def __init__(
        self,
        model: nn.Module,
        data: Dataset,
        memory: Rules,
        code: PositionCode,
        *,
        planes: int | None,
        numbers: range,
        seed: int,
        timing: Timing | None,
        counting: Counting,
        how: dict[str, Any],
    ) -> None:
        self.model, self.data, self.memory, self.code, self.planes = model, data, memory, code, planes
        self.numbers, self.seed, self.how = numbers, seed, how
        self.chips = deploy(model, memory, seed=seed)
        _unprotected(self.chips)
        self.known = selections.layers(self.chips)
        memories = {layer: self.chips.placements[name].memory for layer, name in self.known.items()}
        _check_planes(planes, memories.values())
        full = overhead(self._deployed(tuple(self.known)), timing, counting=counting)
        self.cycles = {layer.name: layer.extra_cycles for layer in full.layers}
        self.base_cycles = full.base_cycles
        self.residual = {layer: residual(one, code, planes) for layer, one in memories.items()}
        self.leaves = leaves(tuple(memories.values()), code, planes)
        bench = Bench(self.chips, data, **how)
        self.metric, self.baseline = bench.metric, bench.ideal
        self.provenance: dict[str, Any] = {}
        self._found: dict[tuple[frozenset[str], float], Values] = {}
        # On other memories a layer is off from the start.
        self._sound = all(p.memory.device.slips for p in self.chips.placements.values())
        if not self._sound:
            self.baseline = float(self.values(tuple(self.known), [0.0]).mean())

    @property
    def sign(self) -> float:
        """1 where more is better, else -1."""
        return 1.0 if self.metric.higher_is_better else -1.0

    def values(self, protected: Sequence[str], ages: Sequence[float]) -> Values:
        """``(age, chip)`` metric with these layers protected."""
        key = frozenset(protected)
        if self._sound:  # nothing has moved at age 0, on any chip
            self._found.setdefault((key, 0.0), np.full(len(self.numbers), self.baseline))
        missing = [age for age in ages if (key, float(age)) not in self._found]
        if missing:
            result = evaluate(
                self._deployed(protected),
                self.data,
                age=missing,
                n_chips=len(self.numbers),
                first_chip=self.numbers.start,
                show_progress=False,
                **self.how,
            )
            self.provenance = self.provenance or result.provenance
            for j, age in enumerate(missing):
                self._found[key, float(age)] = result.values[0, j]
        return np.stack([self._found[key, float(age)] for age in ages])

    def shape(self, parameter: str) -> tuple[int, ...]:
        """Shape of a weight, output channels first."""
        weight = self.chips.model.get_parameter(parameter)
        return tuple(weight.movedim(self.chips.placements[parameter].layer.channel_dim, 0).shape)

    def protected(self, name: str, protected: Sequence[str], ages: Sequence[float], drops: Drops | None) -> Protected:
        """The record of one selection; ``drops`` of single layers foretell its metric at the last age."""
        lost = None if drops is None else drops.lost(protected)
        cycles = sum(self.cycles[layer] for layer in protected)
        return Protected(
            name=name,
            layers=tuple(protected),
            mask=selections.mask(protected, tuple(self.known)),
            values=self.values(protected, ages),
            cycles=cycles,
            overhead=cycles / self.base_cycles if cycles else 0.0,
            predicted=None if lost is None else self._within(self.baseline - self.sign * lost),
        )

    def _within(self, metric: float) -> float:
        return min(1.0, max(0.0, metric)) if self.metric.bounded else metric

    def _deployed(self, protected: Sequence[str]) -> Chips:
        rules = selections.rules(protected, self.memory, self.code, self.chips, planes=self.planes)
        return deploy(self.model, rules, seed=self.seed)


def _unprotected(chips: Chips) -> None:
    """Refuse a memory that is no racetrack, or has a correction already."""
    for parameter in selections.layers(chips).values():
        device, _ = on_tracks(chips.placements[parameter].memory)
        if device.correction is not None:
            raise SpecError(
                f"{parameter} is behind {device.correction.name} already; give its memory without correction"
            )


def _check_planes(planes: int | None, memories: Iterable[Memory]) -> None:
    """Refuse to guard more bit planes than any layer has."""
    most = max((on_tracks(memory)[1].weight_bits for memory in memories), default=0)
    if most and isinstance(planes, int) and planes > most:
        has = f"{most} bit planes" if most > 1 else "one bit plane"
        raise SpecError(f"planes={planes}: weights have {has}; give {most} or fewer, or None for all")
