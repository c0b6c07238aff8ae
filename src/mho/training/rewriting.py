"""Weights that change and are programmed again: onto a fresh chip each time, or onto the same cells."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from mho.mapping import Programmed
from mho.mapping.sampler import Sampler
from mho.memory.deployment import Chips
from mho.memory.varied import Varied
from mho.programming import OpenLoop
from mho.rng import Draws
from mho.training.tables import Table, table


class Changing:
    """What programming makes of the weights that ``chips.model`` has at the moment it is asked.

    Where a table tells what becomes of a weight, it is looked up: the same numbers but for the last digits.
    """

    def __init__(self, chips: Chips, sigma: float | None) -> None:
        self._chips, self._sigma = chips, sigma
        self._tables: dict[str, tuple[Table, Programmed]] = {}
        for name, programmed in chips.samplers(sigma=sigma).items():
            found = table(chips, name, programmed, sigma) if isinstance(programmed, Programmed) else None
            if found is not None and isinstance(programmed, Programmed):
                self._tables[name] = found, programmed
        others = {name: place for name, place in chips.placements.items() if name not in self._tables}
        self._others = replace(chips, placements=others)

    @torch.no_grad()
    def exactly(self) -> dict[str, Programmed]:
        """Every stored weight as the chips themselves program it."""
        return self._chips.programmed(sigma=self._sigma)

    @torch.no_grad()
    def samplers(self) -> dict[str, Sampler]:
        """Every stored weight, ready to be sampled in the cheapest way."""
        return self._others.samplers(sigma=self._sigma) | self._looked_up()

    @torch.no_grad()
    def now(self) -> dict[str, Programmed]:
        """Every stored weight, ready to be sampled."""
        return self._others.programmed(sigma=self._sigma) | self._looked_up()

    def _looked_up(self) -> dict[str, Programmed]:
        out = {}
        for name, (found, programmed) in self._tables.items():
            mean, std = found.moments(self._chips.stored(name))
            out[name] = replace(programmed, mean=mean, std=std)
        return out


class Cells:
    """Chip ``number`` of ``chips``, written once a cycle, and not verified whatever the programming of its memory.

    The first cycle leaves what :meth:`mho.memory.Chips.weights` says of chip ``number`` under open-loop programming;
    every later one has errors of its own, while defects stay.
    """

    def __init__(self, chips: Chips, sigma: float | None, number: int) -> None:
        self._seed, self._number = chips.seed, torch.tensor([number], dtype=torch.int64)
        unverified = {
            name: replace(place, memory=place.memory.replace(programming=OpenLoop()))
            for name, place in chips.placements.items()
        }
        found = replace(chips, placements=unverified).samplers(sigma=sigma)
        stuck = {name: place for name, place in unverified.items() if not isinstance(found[name], Programmed)}
        others = {name: place for name, place in unverified.items() if name not in stuck}
        self._stuck, self._sigma = replace(chips, placements=stuck), sigma
        self._changing = Changing(replace(chips, placements=others), sigma)

    @torch.no_grad()
    def write(self, cycle: int) -> dict[str, Tensor]:
        """Write the current weights, for the ``cycle``-th time (from 1): what then reads back, name to ``(*shape)``."""
        programmed = self._changing.exactly() if cycle == 1 else self._changing.now()
        out = {name: self._read(p, cycle) for name, p in programmed.items()}
        # Cells that are stuck stay so; redundancy, if there is any, works on weights as they are.
        made = self._stuck.samplers(sigma=self._sigma)
        again = {n: s.rewritten(cycle) if isinstance(s, Varied) else s for n, s in made.items()}
        return out | {n: s.sample(self._seed, self._number)[0] for n, s in again.items()}

    def _read(self, programmed: Programmed, cycle: int) -> Tensor:
        target = programmed.encoded.levels if programmed.mean is None else programmed.mean
        draws = Draws(self._seed, programmed.layer, self._number, tuple(target.shape), target.device, cycle)
        if programmed.mean is not None and programmed.std is not None:
            return (programmed.mean + programmed.std * draws.normal("programming"))[0]
        read = programmed.scheme.write(programmed.device, target, draws, programmed.age).read
        return programmed.encoded.decode(read)[0]
