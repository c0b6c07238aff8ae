"""A memory: the cell, and how numbers are written into cells."""

from __future__ import annotations

from dataclasses import dataclass, field

from mho.devices.base import Device
from mho.mapping.base import Mapping
from mho.mapping.encodings import SlicedMagnitude
from mho.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Memory(Spec):
    """What a model is programmed onto.

    Attributes:
        device: the cell; see :mod:`mho.devices`.
        mapping: numbers to cells; 8-bit magnitudes on four 2-bit cells by default.
    """

    device: Device
    mapping: Mapping = field(default_factory=SlicedMagnitude)

    @property
    def label(self) -> str:
        """Short name for tables."""
        return self.device.label

    def with_sigma(self, sigma: float) -> Memory:
        """The same memory with its device at another severity."""
        return self.replace(device=self.device.with_sigma(sigma))
