"""Chips of planes of bits with redundancy whose cells vary, drift or are noisy, and may be stuck besides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from mho.mapping.base import Programmed
from mho.mapping.sampler import Sampler
from mho.memory.arrays import VOTES
from mho.memory.faulty import Faulty
from mho.memory.redundancy.base import Bits, Places, Redundancy
from mho.memory.redundancy.cells import Cells
from mho.memory.redundancy.faults import Resolved
from mho.programming import Cost, cost, written_once
from mho.programming.expected import Expected
from mho.rng import Draws


@dataclass(frozen=True, eq=False)
class Varied(Sampler):
    """A weight tensor in planes of bits with redundancy, on cells each of which is programmed and read.

    What cells that are stuck do is resolved as ever (:class:`Faulty`). Redundancy that reads cells one by one takes
    what reads above one half for a 1, so a cell that has varied too far is a wrong one as a stuck one is, and any other
    is exact. Where columns are added up, every cell in use adds what it reads less what it holds, times what it
    counts for; what a vote is taken on has its errors copy by copy (docs/decisions/0020).

    Chip i has the cells that it has without redundancy; duplicates are more cells of the same streams.

    Attributes:
        faulty: clean weights, layout, the device's stuck cells and the redundancy.
        programmed: the cells of the bits themselves: device, scheme, age, and which are verified.
        cycle: which write of the cells this is, from 1.
    """

    faulty: Faulty
    programmed: Programmed
    cycle: int = 1

    def rewritten(self, cycle: int) -> Varied:
        """The same chips after another write: variation is drawn anew, stuck cells stay."""
        return replace(self, cycle=cycle)

    def sample(self, seed: int, chips: Tensor, out: Tensor | None = None) -> Tensor:
        """Weights of ``chips``; those of a layer that votes lack the errors that are put to the vote."""
        return self._made(seed, chips, out)[0]

    def tensors(self, name: str, seed: int, chips: Tensor, out: Tensor | None = None) -> dict[str, Tensor]:
        weights, candidates = self._made(seed, chips, out)
        made = {name: weights}
        if self._redundancy.votes:
            made[f"{name.rpartition('.')[0]}.{VOTES}".lstrip(".")] = candidates
        return made

    def _made(self, seed: int, chips: Tensor, out: Tensor | None) -> tuple[Tensor, Tensor]:
        """Weights, and ``(chips, copies, planes, columns, rows)`` what candidates of votes err."""
        clean = self.faulty.clean
        out = clean.new_empty(len(chips), *clean.shape) if out is None else out
        candidates = clean.new_zeros(len(chips), *self._ballot)
        for i, chip in enumerate(chips.tolist()):
            if self._redundancy.digital:
                self.faulty.weights([self._read_by_cell(seed, chip)], out[i : i + 1])
            else:
                self._add_up(seed, chip, out[i : i + 1], candidates[i])
        return out, candidates

    def _read_by_cell(self, seed: int, chip: int) -> Resolved:
        layout, found = self.faulty.layout, []
        for level, (read, _) in zip(self._levels, self._written(seed, chip, self._levels, self._chosen), strict=True):
            bits = read > 0.5
            wrong = (bits != (level > 0.5)).nonzero()[:, 0]
            found.append((wrong.cpu().numpy(), bits[wrong].cpu().numpy().astype(np.int64)))
        return self._redundancy.resolve(layout.holding(found), layout.code, layout)

    def _add_up(self, seed: int, chip: int, out: Tensor, candidates: Tensor) -> None:
        """Fill in the weights of one chip, and what is put to the vote."""
        layout, redundancy = self.faulty.layout, self._redundancy
        code, cells = layout.code, self._cells
        faults = layout.faults(self.faulty.device, seed, chip)
        resolved = redundancy.resolve(faults, code, layout)
        places, rewritten = redundancy.places(faults, code), redundancy.rewritten(faults, code)
        levels, chosen = self._levels, self._chosen
        if places is not None or rewritten is not None:
            levels, chosen = self._placed(places, rewritten)
        read = self._written(seed, chip, levels, chosen)
        varied = [r - held for r, held in read]
        # A candidate has its stuck cells' errors too: the list of lost votes leaves out what alone would not matter.
        off = [r - level for (r, _), level in zip(read, levels, strict=True)] if redundancy.votes else varied
        shares = torch.from_numpy(redundancy.shares(faults, code)).to(self._step)
        voted = redundancy.voted(code.bits)
        total = torch.zeros_like(self._step * self._driven)
        for copy, plane in cells.copies:
            if plane not in code.faulty:
                continue
            plus, minus = cells.gather(off if plane in voted else varied, copy, plane)
            error = (plus - minus) * float(-(1 << plane) if code.flipped[plane] else 1 << plane)
            if places is not None:
                column, row = (torch.from_numpy(at).to(error.device) for at in places)
                error = error[column][:, row]
            if plane in voted:
                candidates[copy, plane - voted.start] = error * self._step * self._driven
            else:
                total += error * shares[copy, plane, :, None]
        self.faulty.weights([resolved], out)
        out += self._tensor(total * self._step * self._driven).to(out.dtype)

    def _placed(self, places: Places | None, rewritten: Bits | None) -> tuple[list[Tensor], list[Tensor | None]]:
        """What the cells of one chip are written to, and which are verified, host by host."""
        bits, chosen = self._matrix(self.programmed.encoded.levels), self._picked
        if rewritten is not None:
            (negative, plane, column, row), values = rewritten
            bits = bits.clone()
            bits[negative * self.faulty.layout.code.bits + plane, column, row] = torch.from_numpy(values).to(bits)
        if places is not None:
            # Where a column stands says which one stands at a place.
            at, along = (torch.from_numpy(np.argsort(one)).to(bits.device) for one in places)
            bits = bits[:, at][:, :, along]
            chosen = None if chosen is None else chosen[:, at][:, :, along]
        return self._cells.spread(bits), self._apart(chosen)

    def _apart(self, chosen: Tensor | None) -> list[Tensor | None]:
        """Which cells are verified, host by host, from which bits are."""
        return [None for _ in self._levels] if chosen is None else [*self._cells.spread(chosen)]

    def _written(
        self, seed: int, chip: int, levels: list[Tensor], chosen: list[Tensor | None]
    ) -> list[tuple[Tensor, Tensor]]:
        """Of every host, ``(cells,)`` what they read, and what they hold: their level, or what they are stuck at."""
        out, p = [], self.programmed
        for host, level, picked in zip(self.faulty.layout.hosts, levels, chosen, strict=True):
            draws = Draws(
                seed, host.layer, torch.tensor([chip]).to(level.device), tuple(level.shape), level.device, self.cycle
            )
            held = level.clone()
            places, ones = self.faulty.device.stuck(draws)
            held[places] = ones.to(held.dtype)
            out.append((p.scheme.write(p.device, level, draws, p.age, picked).read[0], held))
        return out

    @property
    def _redundancy(self) -> Redundancy:
        assert self.faulty.redundancy is not None
        return self.faulty.redundancy

    @cached_property
    def _cells(self) -> Cells:
        return Cells(self.faulty.layout)

    @cached_property
    def _levels(self) -> list[Tensor]:
        extra = self._redundancy.extra_levels(self.faulty.layout.code)
        return self._cells.spread(self._matrix(self.programmed.encoded.levels), torch.from_numpy(extra))

    @cached_property
    def _picked(self) -> Tensor | None:
        """``(2 * bits, columns, rows)`` which bits are verified; a duplicate is where its original is."""
        chosen = self.programmed.chosen
        return None if chosen is None else self._matrix(chosen.expand(self.programmed.encoded.levels.shape))

    @cached_property
    def _chosen(self) -> list[Tensor | None]:
        return self._apart(self._picked)

    @cached_property
    def _step(self) -> Tensor:
        return torch.from_numpy(self.faulty.steps.copy()).to(self.faulty.clean)[:, None]

    @cached_property
    def _driven(self) -> Tensor:
        return torch.from_numpy(self.faulty.layout.code.read_rows).to(self.faulty.clean)

    @property
    def _ballot(self) -> tuple[int, ...]:
        geometry, bits = self.faulty.layout.code.geometry, self.faulty.layout.code.bits
        copies = max(self._redundancy.plane_copies(bits))
        return (copies, len(self._redundancy.voted(bits)), geometry.columns, geometry.rows)

    def _matrix(self, values: Tensor) -> Tensor:
        """``(arrays, *shape)`` as ``(arrays, columns, rows)``."""
        return values.movedim(self.faulty.layout.code.geometry.channel_dim + 1, 1).flatten(2)

    def _tensor(self, matrix: Tensor) -> Tensor:
        """``(columns, rows)`` as the weight's shape."""
        shape, dim = self.faulty.clean.shape, self.faulty.layout.code.geometry.channel_dim
        return matrix.view(shape[dim], *shape[:dim], *shape[dim + 1 :]).movedim(0, dim)

    @property
    def by_cell(self) -> bool:
        return True

    @property
    def cost(self) -> Cost:
        """Of every cell, duplicates and check cells included, at the levels that cells without faults have."""
        p, own = self.programmed, self._cells.own
        if not p.scheme.verifies:
            return written_once(p.scheme, sum(int(mine.sum()) for mine in own))
        level = torch.cat([level[mine] for level, mine in zip(self._levels, own, strict=True)])[None]
        parts = [c[mine] for c, mine in zip(self._chosen, own, strict=True) if c is not None]
        return cost(
            p.scheme, Expected.of(p.scheme, p.device, level, p.steps), torch.cat(parts)[None] if parts else None
        )

    @property
    def bytes_per_chip(self) -> int:
        return 4 * (self.faulty.clean.numel() + int(np.prod(self._ballot))) + self.numbers * (
            60 if self.programmed.scheme.verifies else 36
        )

    @property
    def numbers(self) -> int:
        return sum(self.faulty.layout.sizes)

    def scaled(self, gain: Tensor) -> Varied:
        # Cells hold and read the same; only what a step is worth changes.
        return Varied(self.faulty.scaled(gain), self.programmed, self.cycle)
