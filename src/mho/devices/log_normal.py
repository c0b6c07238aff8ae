"""Multiplicative log-normal variation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mho.devices.base import Device, check_sigma

if TYPE_CHECKING:
    from torch import Tensor

    from mho.rng import Draws


@dataclass(frozen=True, kw_only=True)
class LogNormal(Device):
    """``g = level * exp(sigma z)`` [qin2025neft] §IV-H; no correction of the mean, which grows by ``exp(sigma^2/2)``.

    With :class:`mho.mapping.Analog` (one cell per weight) this is the paper's ``W e^v``; with sliced mappings every
    cell varies on its own.

    Attributes:
        sigma: standard deviation of the logarithm.
    """

    references: ClassVar[tuple[str, ...]] = ("qin2025neft",)

    sigma: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sigma(self)

    def write(self, level: Tensor, draws: Draws) -> Tensor:
        return level * (self.sigma * draws.normal("log-normal")).exp()
