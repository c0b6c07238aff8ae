"""A racetrack on the nanowires of one weight tensor: what inference T reads of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mho.devices.base import Ageing
from mho.devices.nanowires import Nanowires
from mho.devices.racetrack import Racetrack, inferences
from mho.errors import SpecError

if TYPE_CHECKING:
    from torch import Tensor

    from mho.rng import Draws


@dataclass(frozen=True, kw_only=True, eq=False)
class _Shifting(Ageing):
    """A racetrack that knows where the bits of one weight tensor lie."""

    racetrack: Racetrack
    wires: Nanowires

    @property
    def clock(self) -> Literal["inferences"]:
        return "inferences"

    @property
    def inert(self) -> bool:
        return self.racetrack.inert

    def read(self, level: Tensor, held: Tensor, draws: Draws, age: float) -> Tensor:
        import torch

        passes = inferences(age) * self.racetrack.passes
        if passes == 0 or self.inert:
            return held
        if draws.at is not None:
            raise SpecError("Racetrack: a write is verified before anything is shifted, at age 0")
        chips, cells = len(draws.chips), self.wires.cells
        # Bytes where cells hold bits, for the sake of the caches; what another stage of a stack left may be anything.
        kind = torch.uint8 if held is level else torch.float32
        bits = held.reshape(-1, cells).to("cpu", kind).contiguous()
        out = bits.expand(chips, cells).clone(memory_format=torch.contiguous_format)
        for offsets in self.racetrack.offsets(self.wires, draws.seed, draws.layer, draws.chips):
            if not self.racetrack.path:
                offsets.jump(passes - 1)
            offsets.advance(passes, bits, out)
        if self.racetrack.stop_rate > 0:
            self._stop(draws, passes, out)
        return out.view(chips, *level.shape).to(level.device, torch.float32)

    def _stop(self, draws: Draws, passes: int, out: Tensor) -> None:
        from mho.devices.offsets import Offsets

        unguarded = ~self.racetrack.guards(self.wires)
        law = self.racetrack.law(self.wires, guarded=False)
        if law is None:  # no other errors: any law does, since only shifts of the last pass count
            law = self.racetrack.replace(fault_rate=1.0, rewind_rates=()).law(self.wires, guarded=False)
        assert law is not None
        state = Offsets(self.wires, law, draws.seed, draws.layer, draws.chips, unguarded.view(np.uint8))
        state.passes = passes
        state.stopped(self.racetrack.stop_rate, out)
