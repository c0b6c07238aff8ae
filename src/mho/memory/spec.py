"""A memory: the cell, and how numbers are written into cells."""

from __future__ import annotations

from dataclasses import dataclass, field

from mho.devices.base import Device, common_clock
from mho.devices.pulsed import PulsedCell
from mho.devices.stack import only_stuck
from mho.errors import SpecError
from mho.frozen import FrozenDict
from mho.mapping.base import Mapping
from mho.mapping.bit_planes import BitPlanes
from mho.mapping.encodings import SlicedMagnitude
from mho.memory.redundancy.base import Redundancy
from mho.memory.redundancy.ecc import ECC
from mho.programming import OpenLoop, Scheme, Selective
from mho.spec import Spec, added
from mho.units import Clock

APART = "deploy them one by one, with the rest digital (None)"


@dataclass(frozen=True, kw_only=True)
class Memory(Spec):
    """What a model is programmed onto.

    Attributes:
        device: the cell; see :mod:`mho.devices`.
        mapping: numbers to cells; 8-bit magnitudes on four 2-bit cells by default.
        programming: how cells are written; once, without verification, by default. See :mod:`mho.programming`.
        redundancy: what more cells are for; none by default. It takes planes of bits, on cells that may be stuck, vary,
            drift and be noisy. See :mod:`mho.memory.redundancy`.
    """

    device: Device
    mapping: Mapping = field(default_factory=SlicedMagnitude)
    programming: Scheme = added(OpenLoop)
    redundancy: Redundancy | None = added(lambda: None)

    def __post_init__(self) -> None:
        if isinstance(self.device, PulsedCell):
            kind = type(self.device).__name__
            raise SpecError(
                f"Memory: device={kind}(...) is a cell that learns by pulses, not a device that weights are written "
                f"to; train on the array with analog.AGAD(cell={kind}(...)), read the network by analog.extract, then "
                "deploy it on a device such as RRAM1(sigma=0.1)"
            ).at("device")
        super().__post_init__()
        if self.redundancy is None:
            return
        if not isinstance(self.mapping, BitPlanes):
            raise SpecError(
                f"Memory: redundancy={type(self.redundancy).__name__} guards planes of bits, and "
                f"{type(self.mapping).__name__} has none; give mapping=BitPlanes()"
            ).at("mapping")
        self.redundancy.plane_copies(self.mapping.bits)  # refuses more planes than there are
        if only_stuck(self.device) is None:
            self._check_varied(type(self.redundancy).__name__)

    def _check_varied(self, redundancy: str) -> None:
        """Refuse what redundancy cannot go with where cells are not stuck alone."""
        device, scheme = self.device, self.programming
        if device.slips:
            raise SpecError(
                f"Memory: redundancy={redundancy} guards cells of arrays, and bits of device={device.label} slip along "
                "tracks; leave redundancy out and give the device a position code"
            ).at("redundancy")
        if device.per_weight:
            raise SpecError(
                f"Memory: redundancy={redundancy} reads cells, and device={device.label} with level_scope='weight' "
                "describes whole weights; use level_scope='device'"
            ).at("device")
        if isinstance(scheme, Selective) and scheme.fraction is None:
            raise SpecError(
                f"Memory: programming=Selective(target_drop={scheme.target_drop:g}) looks at cells as they are "
                f"written, and redundancy={redundancy} decides what they are read as; give fraction=, or WriteVerify"
            ).at("programming")
        if isinstance(scheme, Selective) and isinstance(self.redundancy, ECC):
            raise SpecError(
                "Memory: programming=Selective ranks weights, and a check cell of redundancy=ECC belongs to many; "
                "use WriteVerify, or CellMajority"
            ).at("programming")

    @property
    def label(self) -> str:
        """Short name for tables."""
        named = self.mapping.labelled(self.device.label)
        return named if self.redundancy is None else f"{named}, {self.redundancy.label}"

    @property
    def clock(self) -> Clock | None:
        """What an age counts; see :attr:`mho.devices.Device.clock`."""
        return self.device.clock

    def with_sigma(self, sigma: float) -> Memory:
        """The same memory with its device at another severity."""
        return self.replace(device=self.device.with_sigma(sigma))


@dataclass(frozen=True, kw_only=True)
class NameRules(Spec):
    """Which tensors go to which memory, by name: the first match wins.

    Attributes:
        rules: name pattern to memory, or to ``None`` for what stays digital.
    """

    rules: FrozenDict

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(bool(self.rules), "rules", "must hold a rule, such as {'*': memory}")
        for pattern, memory in self.rules.items():
            if memory is not None and not isinstance(memory, Memory):
                raise SpecError(
                    f"rule '{pattern}' is {memory!r}; it takes a memory (kind: Memory, device: ...) or null (digital)"
                ).at("rules", pattern)
        common_clock((m.device for m in self.rules.values() if m is not None), "rules", APART)

    @property
    def label(self) -> str:
        """Short name for tables: the devices in use."""
        return ", ".join(dict.fromkeys(m.label for m in self.rules.values() if m is not None))

    @property
    def clock(self) -> Clock | None:
        """What an age counts of the memories that age; ``None`` if none does."""
        return next((m.clock for m in self.rules.values() if m is not None and m.clock is not None), None)
