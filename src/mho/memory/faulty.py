"""Chips of planes of bits whose cells are stuck: one clean weight tensor, and what each chip adds to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mho.devices import StuckAt
from mho.kernels.votes import pack
from mho.mapping.sampler import Sampler
from mho.memory.arrays import VOTES
from mho.memory.redundancy.base import Redundancy
from mho.memory.redundancy.faults import Resolved
from mho.memory.redundancy.layout import Layout
from mho.programming import Cost, Scheme, written_once


@dataclass(frozen=True, eq=False)
class Faulty(Sampler):
    """A weight tensor in planes of bits, some cells of which are stuck.

    Memory and time of a chip go with its stuck cells: its weights are the clean ones with a few of them changed, and
    what is voted on comes as a list of errors (docs/decisions/0020).

    Attributes:
        layer: name of the parameter.
        clean: ``(*shape)`` float32, quantised weights.
        layout: where every bit and duplicate stands.
        device: with the rates of binary cells.
        redundancy: what is made of duplicates; ``None`` without any.
        scheme: how cells are written.
        gain: ``(columns,)`` what outputs are multiplied with besides, such as a norm that follows; ``None`` for one.
    """

    layer: str
    clean: Tensor
    layout: Layout
    device: StuckAt
    redundancy: Redundancy | None
    scheme: Scheme
    gain: NDArray[np.float32] | None = None

    def resolved(self, seed: int, chip: int) -> Resolved:
        """What one chip computes with."""
        code, faults = self.layout.code, self.layout.faults(self.device, seed, chip)
        if self.redundancy is None:
            return Resolved.of(faults.errors(code))
        return self.redundancy.resolve(faults, code, self.layout)

    def sample(self, seed: int, chips: Tensor, out: Tensor | None = None) -> Tensor:
        """Weights of ``chips``; those of a layer that votes lack the errors that are put to the vote."""
        return self.weights([self.resolved(seed, chip) for chip in chips.tolist()], out)

    def tensors(self, name: str, seed: int, chips: Tensor, out: Tensor | None = None) -> dict[str, Tensor]:
        found = [self.resolved(seed, chip) for chip in chips.tolist()]
        made = {name: self.weights(found, out)}
        if self.redundancy is not None and self.redundancy.votes:
            made[f"{name.rpartition('.')[0]}.{VOTES}".lstrip(".")] = self._ballots(found)
        return made

    def weights(self, found: list[Resolved], out: Tensor | None = None) -> Tensor:
        """``(chips, *shape)`` clean weights with what each chip resolved added."""
        geometry, shape = self.layout.code.geometry, (len(found), *self.clean.shape)
        out = self.clean.new_empty(shape) if out is None else out
        out.copy_(self.clean)
        for weights, one in zip(out.view(len(found), geometry.weights), found, strict=True):
            where = torch.from_numpy(geometry.join(one.column, one.row))
            added = torch.from_numpy(one.steps * self.steps[one.column]).to(out.dtype)
            weights.index_add_(0, where.to(out.device), added.to(out.device))
        return out

    def _ballots(self, found: list[Resolved]) -> Tensor:
        """``(chips, numbers)`` int32 packed votes, those of chips with fewer padded by what is never looked at."""
        packed = []
        for one in found:
            assert one.votes is not None
            v = one.votes
            scale = (v.scale * self.steps[v.column]).astype(np.float32)
            packed.append(pack(v.copies, v.column, scale, v.starts, v.row, v.sign))
        most = max(map(len, packed), default=0)
        table = np.zeros((len(packed), most), np.int32)
        for row, votes in zip(table, packed, strict=True):
            row[: len(votes)] = votes
        return torch.from_numpy(table).to(self.clean.device)

    @property
    def steps(self) -> NDArray[np.float32]:
        """``(columns,)`` value of one step at the output."""
        step = self.layout.code.gain
        return step if self.gain is None else step * self.gain

    @property
    def by_cell(self) -> bool:
        return True

    @property
    def cost(self) -> Cost:
        return written_once(self.scheme, self.layout.cells)

    @property
    def bytes_per_chip(self) -> int:
        # Of a fault: some ten numbers of eight bytes while it is sorted out.
        return 4 * self.clean.numel() + int(80 * self._expected)

    @property
    def numbers(self) -> int:
        return int(self._expected) + 32

    @cached_property
    def _expected(self) -> float:
        cells = sum(2 * host.planes * host.geometry.weights for host in self.layout.hosts)
        return self.device.rate * (cells + self.layout.extra)

    def scaled(self, gain: Tensor) -> Faulty:
        # What the cells hold stays as it is, and with it whatever redundancy decides by it.
        wide = gain.expand_as(self.clean).movedim(self.layout.code.geometry.channel_dim, 0).flatten(1)[:, 0]
        more = wide.cpu().numpy()
        return replace(self, clean=self.clean * gain, gain=more if self.gain is None else self.gain * more)
