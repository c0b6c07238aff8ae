"""A programming scheme: how often cells are written, and what that leaves in them."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.spec import Spec

if TYPE_CHECKING:
    from torch import Tensor

    from mho.devices.base import Device
    from mho.rng import Draws


@dataclass(frozen=True)
class Written:
    """What programming did to the cells of one layer.

    Attributes:
        read: ``(chips, *shape)`` levels that read back at the age asked for, fractions of the full range.
        cycles: ``(chips, *shape)`` int32 write cycles that each cell took.
        failed: ``(chips, *shape)`` bool: verified, and still outside the tolerance after the last cycle.
    """

    read: Tensor
    cycles: Tensor
    failed: Tensor


@dataclass(frozen=True)
class Moments:
    """What programming does on average to cells of some target levels, as read right after it.

    Attributes:
        error: mean square error of the level, fractions of the full range squared; same shape as the levels.
        cycles: mean write cycles of a cell.
        failed: probability that a cell stays outside the tolerance.
    """

    error: Tensor
    cycles: Tensor
    failed: Tensor


@dataclass(frozen=True, kw_only=True)
class Scheme(Spec):
    """Abstract programming scheme.

    Attributes:
        cycle_seconds: time of one write cycle (a pulse, and the read that verifies it) of one cell; ``None`` where
            time is of no interest. Cells are counted one after the other.
        cycle_joules: energy of one write cycle of one cell; ``None`` where it is of no interest.
    """

    references: ClassVar[tuple[str, ...]] = ()

    cycle_seconds: float | None = None
    cycle_joules: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in ("cycle_seconds", "cycle_joules"):
            value = getattr(self, field)
            self.check(value is None or value > 0, field, "must be more than zero")

    @property
    def verifies(self) -> bool:
        """Whether cells are written more than once."""
        return True

    @abstractmethod
    def write(
        self, device: Device, level: Tensor, draws: Draws, age: float = 0.0, chosen: Tensor | None = None
    ) -> Written:
        """Program the cells of a layer.

        Args:
            device: the cell, with everything that depends on the mapping resolved.
            level: ``(*shape)`` target levels, fractions of the full range.
            draws: addressed random numbers of these cells on some chips.
            age: seconds from the end of programming to the read.
            chosen: broadcastable to ``(*shape)``: the cells that are verified, ``None`` for all; the others are
                written once. A cell's fate does not depend on which others are chosen.
        """

    @abstractmethod
    def moments(self, device: Device, level: Tensor) -> Moments:
        """What :meth:`write` does on average to cells of ``level`` (any shape), every one chosen."""
