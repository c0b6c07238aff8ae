"""ONE CELL: what a written level reads back as, and how that changes with age.

Levels are fractions of the cell's full conductance range: 0 is the lowest level, 1 the top level. Stages of a cell's
life (programming, drift, faults, read noise) are devices too and are put together with :class:`~mho.devices.Stack`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self, final

from mho.errors import SpecError
from mho.spec import Spec
from mho.units import Clock, age_unit, check_clock

if TYPE_CHECKING:
    from torch import Tensor

    from mho.devices.nanowires import Nanowires
    from mho.rng import Draws


@dataclass(frozen=True, kw_only=True)
class Device(Spec):
    """Abstract cell model: what :meth:`write` leaves in a cell, and what :meth:`read` makes of that later.

    They are two because a cell may be written again, and verified: every write draws anew, a defect stays.

    ``references`` are BibTeX keys (see :func:`mho.cite`).
    """

    references: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def write(self, level: Tensor, draws: Draws) -> Tensor:
        """What one write leaves in cells.

        Args:
            level: target (or already disturbed) levels, fractions of the full range, ``(*shape)`` or
                ``(chips, *shape)``.
            draws: the addressed random numbers of these cells. The purposes they are drawn for belong to this kind
                of device alone: two stages of a stack that drew for one purpose would get the same numbers.

        Returns:
            ``(chips, *shape)`` fractions of the full range; may leave [0, 1].
        """

    def read(self, level: Tensor, held: Tensor, draws: Draws, age: float) -> Tensor:
        """What cells read back; exactly what they hold unless a device says otherwise.

        Args:
            level: target levels, fractions of the full range, ``(*shape)``.
            held: what was left in the cells, ``(*shape)`` or ``(chips, *shape)``.
            draws: as for :meth:`write`, and of the same write.
            age: what :attr:`clock` counts since programming: seconds, or inferences.

        Returns:
            ``(chips, *shape)`` fractions of the full range; may leave [0, 1].
        """
        return held

    @final
    def written_and_read(self, level: Tensor, draws: Draws, age: float) -> Tensor:
        """What cells that were written once to ``level`` read back at ``age``, ``(chips, *shape)``."""
        return self.read(level, self.write(level, draws), draws, age)

    def gaussian(self, level: Tensor, age: float) -> tuple[Tensor, Tensor] | None:
        """Mean and standard deviation of what reads back, where that is an independent Gaussian per cell.

        ``None`` says that only :meth:`write` and :meth:`read` describe this device. A Gaussian device lets a mapping
        add the cells of a weight up to one Gaussian, which is exact and several times faster. The two ways draw
        different numbers, so a device answers ``None`` at every age or at none: chip 7 must be the same chip a year
        later.
        """
        return None

    def fresh(self, level: Tensor) -> tuple[Tensor, Tensor] | None:
        """:meth:`gaussian` right after a write, also where a device that ages has nothing to read yet."""
        return self.gaussian(level, 0.0)

    @property
    def writes_gaussian(self) -> str | None:
        """The purpose of the one normal number that a write draws, where a cell is known by :meth:`gaussian`.

        It says that a write leaves ``mean + std * draws.normal(purpose)`` with the moments of :meth:`fresh`, and that
        this reads back as it is at every age; such cells are verified several times faster. ``None`` where that is
        not so.
        """
        return None

    @property
    def inert(self) -> bool:
        """Whether this stage never does anything, whatever the level and the age."""
        return False

    def written_to(self, *, cell_bits: int, weight_bits: int, kappa: float) -> Device:
        """This device with everything that depends on the mapping resolved.

        Args:
            cell_bits: bits per cell (0 for one analog cell per weight).
            weight_bits: bits per weight (0 for analog).
            kappa: weight standard deviation over (sigma x full scale) for the ``fullscale`` convention.
        """
        return self

    def on_tracks(self, wires: Nanowires) -> Device:
        """This device on the nanowires of one weight tensor; itself unless its errors depend on where bits lie."""
        return self

    @property
    def slips(self) -> bool:
        """Whether its errors move bits along tracks, so that nothing is off when a chip is new."""
        return False

    @property
    def per_weight(self) -> bool:
        """Whether the model describes a whole weight rather than each of its cells."""
        return False

    @property
    def clock(self) -> Clock | None:
        """What an age of this device counts: ``"s"`` or ``"inferences"``; ``None`` where it does not age."""
        return None

    @property
    def label(self) -> str:
        """Short name for tables."""
        return type(self).__name__

    def with_sigma(self, sigma: float) -> Self:
        """This device at another severity; ``sigma`` is a fraction of the cell's full conductance range."""
        if not hasattr(self, "sigma"):
            raise SpecError(f"{self.label} has no sigma to vary; leave out sigma= or choose a device that has one")
        return self.replace(sigma=float(sigma))


class Ageing(Device):
    """Abstract stage that leaves a write as it is and changes only what is read back."""

    @final
    def write(self, level: Tensor, draws: Draws) -> Tensor:
        return level

    @property
    def clock(self) -> Clock | None:
        """Seconds; a stage that counts otherwise, or does not age after all, says so."""
        return "s"

    @abstractmethod
    def read(self, level: Tensor, held: Tensor, draws: Draws, age: float) -> Tensor: ...


def common_clock(devices: Iterable[Device], where: str, remedy: str) -> Clock | None:
    """What an age counts of all ``devices`` that age; ``None`` if none does.

    Raises:
        SpecError: two of them count differently; ``where`` begins the line, ``remedy`` ends it.
    """
    found: dict[Clock, Device] = {}
    for device in devices:
        check_clock(device.clock)
        if device.clock is not None:
            found.setdefault(device.clock, device)
    if len(found) > 1:
        said = " and ".join(f"{device.label} in {age_unit(clock)}" for clock, device in found.items())
        raise SpecError(f"{where}: {said} count their ages differently, so that no age fits both; {remedy}")
    return next(iter(found), None)


def check_sigma(device: Device, field: str = "sigma", most: float = 1.0) -> None:
    """Refuse a sigma that is negative, or that was meant as a percentage."""
    value = getattr(device, field)
    if value is None:
        return
    device.check(value >= 0, field, "must be zero or more")
    if value > most:
        raise SpecError(
            f"{type(device).__name__}: {field}={value:g} is more than the cell's full range; {field} is a fraction, "
            f"so {value:g} % is written {value / 100:g}"
        )


def check_rate(device: Device, *fields: str) -> None:
    """Refuse a probability outside [0, 1]."""
    for field in fields:
        value = getattr(device, field)
        if value is not None:
            device.check(0 <= value <= 1, field, "is a probability and must be within 0 and 1")
