"""A device that goes wrong where it is told to, for :func:`mho.testing.check_executor`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mho.devices.base import Device

if TYPE_CHECKING:
    from torch import Tensor

    from mho.rng import Draws


@dataclass(frozen=True, kw_only=True)
class Faulty(Device):
    """A Gaussian cell, except at one sigma: reading it then raises, or ends the process that computes.

    Attributes:
        sigma: standard deviation, fraction of the full range.
        raises: the sigma at which reading raises.
        ends: the sigma at which it ends the process.
    """

    sigma: float = 0.1
    raises: float | None = None
    ends: float | None = None

    def write(self, level: Tensor, draws: Draws) -> Tensor:
        """See :class:`~mho.devices.Device`."""
        if self.sigma == self.raises:
            raise ArithmeticError("this device was told to raise")
        if self.sigma == self.ends:
            os._exit(17)
        return level + self.sigma * draws.normal("faulty")
