"""What is fixed in each cell of an array that pulses train: its steps and its bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Crosspoints:
    """Steps and bounds of every cell, each ``(chips, out, in)`` float32; see :class:`~mho.devices.PulsedCell`.

    A stuck cell has no steps and both bounds at the value where it is stuck, so that :meth:`clip`, which also follows
    every pulse, puts it there. Of all others the bounds lie on both sides of 0, or at it.

    Attributes:
        up: a_up, step at 0 of a pulse up, >= 0.
        down: a_down, step at 0 of a pulse down, >= 0.
        high: b_max, upper bound.
        low: b_min, lower bound.
        stuck: value of the cells that are stuck, NaN for all others; ``None`` where none can be.
    """

    up: Tensor
    down: Tensor
    high: Tensor
    low: Tensor
    stuck: Tensor | None = None

    def clip(self, value: Tensor | float) -> Tensor:
        """``value`` within the bounds, ``(chips, out, in)``: what cells hold that someone tried to put there."""
        return self.high.minimum(self.low.maximum(self.low.new_tensor(value) if isinstance(value, float) else value))

    def symmetry_point(self, slopes: tuple[float, float]) -> Tensor:
        """The conductance at which steps up and down are equal, ``(chips, out, in)``.

        ``(a_up - a_down) / (slope_up a_up / b_max - slope_down a_down / b_min)``, within the bounds; a term whose
        bound is 0 is left out, as in a pulse. Where steps do not change along the range there is no such point: 0.
        To first order pairs of a pulse up and one down take a cell there [rasch2024fast].

        Args:
            slopes: :attr:`~mho.devices.PulsedCell.slopes`.
        """
        nothing = self.up.new_zeros(())
        rise = (slopes[0] * self.up / self.high).where(self.high > 0, nothing)
        fall = (slopes[1] * self.down / self.low).where(self.low < 0, nothing)
        slope = rise - fall
        return self.clip(((self.up - self.down) / slope).where(slope > 0, nothing))
