"""Nanowires from pass to pass: where they are, and what each pass reads."""

from __future__ import annotations

import torch
from torch import Tensor

from mho.devices import Racetrack
from mho.devices.offsets import Offsets
from mho.errors import SpecError
from mho.memory import Chips
from mho.memory.deployment import chip_numbers


class Walk:
    """Chips that age one read of all weights after the other; only nanowires that slip cost anything.

    The same chips as :meth:`mho.memory.Chips.weights` gives at an age of so many reads, for those who want every one.

    Args:
        chips: a deployed model; layers on other memories are left out.
        numbers: which chips.

    Attributes:
        passes: complete reads so far.
        bits: parameter name to what the last pass read, ``(chips, cells)`` uint8; the bits as written at first.

    Raises:
        SpecError: nothing lies on racetracks, or ages of a chip have nothing to do with each other (path=False).
    """

    def __init__(self, chips: Chips, numbers: Tensor | range) -> None:
        ids = chip_numbers(numbers)
        self.passes = 0
        self.bits: dict[str, Tensor] = {}
        self._written: dict[str, Tensor] = {}
        self._states: dict[str, list[Offsets]] = {}
        self._made = chips.programmed(age=0)
        for name, placement in chips.placements.items():
            device, mapping = placement.memory.device, placement.memory.mapping
            wires = mapping.nanowires(chips.model.get_parameter(name), placement.layer.channel_dim)
            if isinstance(device, Racetrack) and not device.path:
                raise SpecError(f"{name}: path=False has no way from pass to pass; take path=True")
            if isinstance(device, Racetrack) and wires is not None:
                self._states[name] = device.offsets(wires, chips.seed, name, ids)
                self._written[name] = self._made[name].encoded.levels.reshape(1, -1).to("cpu", torch.uint8)
                self.bits[name] = self._written[name].repeat(len(ids), 1)
        if not self._states:
            raise SpecError("no layer lies on racetracks: a memory of devices.Racetrack and mapping.Tracks")

    def advance(self, passes: int = 1) -> None:
        """Read all weights so many times; what is kept is what the last one reads.

        Only position errors are followed: shifts that stop in the middle disturb single reads, see
        :meth:`mho.memory.Chips.weights`.
        """
        self.passes += passes
        for name, states in self._states.items():
            for state in states:
                state.advance(self.passes, self._written[name], self.bits[name])

    @property
    def offsets(self) -> dict[str, Tensor]:
        """Parameter name to ``(chips, nanowires)`` int16: o > 0 means that position k reads domain k - o."""
        return {n: torch.from_numpy(sum(s.offset for s in states)) for n, states in self._states.items() if states}

    @property
    def faults(self) -> dict[str, Tensor]:
        """Parameter name to ``(chips,)`` position errors so far that were not corrected."""
        return {n: torch.from_numpy(sum(s.faults for s in states)) for n, states in self._states.items() if states}

    @property
    def bytes(self) -> int:
        """Memory of the state, without the bits."""
        return sum(state.bytes for states in self._states.values() for state in states)

    def weights(self) -> dict[str, Tensor]:
        """Effective weights, parameter name to ``(chips, *shape)`` float32."""
        out = {}
        for name, bits in self.bits.items():
            encoded = self._made[name].encoded
            out[name] = encoded.decode(bits.to(torch.float32).view(len(bits), *encoded.levels.shape))
        return out
