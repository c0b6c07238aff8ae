"""A device known by measurement: mean and standard deviation per state, and per age where they were followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mho.devices.base import Device, check_sigma
from mho.devices.files import read_csv, read_npz, table_fields
from mho.errors import DataError, SpecError
from mho.spec import label
from mho.units import Clock

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from mho.rng import Draws

    Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class MeasuredTable(Device):
    """Gaussian read-back with the mean and standard deviation of a lab's own table.

    Between states both are interpolated linearly, outside they are held; between ages they are interpolated in the
    logarithm of time (linearly from an age of zero to the first one after it).

    Attributes:
        states: target levels, increasing fractions of the full range.
        mean: read-back mean, one row an age, one entry a state, fractions of the full range.
        std: read-back standard deviation, likewise.
        ages: seconds since programming of each row; younger ages are held at the first row, older ones than the last
            are refused.
        sigma: ``None`` for the device as measured; a number rescales the whole table's errors (mean shift and
            spread) so that the root-mean-square spread over the states at the last age is ``sigma``.
        name: what tables call the device.
    """

    states: tuple[float, ...]
    mean: tuple[tuple[float, ...], ...]
    std: tuple[tuple[float, ...], ...]
    ages: tuple[float, ...] = (0.0,)
    sigma: float | None = None
    name: str = label("measured")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sigma(self)
        for field in ("states", "ages"):
            values = getattr(self, field)
            ordered = len(values) > 0 and all(a < b for a, b in pairwise(values))
            self.check(ordered, field, "must be increasing and not empty")
        self.check(self.states[0] >= -0.5 and self.states[-1] <= 1.5, "states", "are fractions of the full range")
        for field in ("mean", "std"):
            rows = getattr(self, field)
            fits = len(rows) == len(self.ages) and all(len(r) == len(self.states) for r in rows)
            if not fits:
                raise DataError(
                    f"MeasuredTable: {field} needs {len(self.ages)} rows (ages) of {len(self.states)} states"
                )
        self.check(min(min(r) for r in self.std) >= 0, "std", "must be zero or more")
        self.check(self.ages[0] >= 0, "ages", "must be zero or more seconds")

    @property
    def label(self) -> str:
        return self.name

    @classmethod
    def from_csv(cls, path: str | Path, *, g_max: float | None = None, **fit: Any) -> MeasuredTable:
        """A table from a CSV file with a header.

        ``state,mean,std[,age]`` is taken as it is; ``target,read[,age]`` are raw samples and are fitted
        (:meth:`from_samples`, which also takes ``states`` and ``name``).

        Args:
            path: the file.
            g_max: conductance (in the file's unit) of the top level; ``None`` where the file holds fractions.
            **fit: passed to :meth:`from_samples`; only ``name`` for a finished table.

        Raises:
            DataError: the file is missing, has no such columns, or holds something that is no number.
        """
        columns = read_csv(Path(path))
        name = str(fit.pop("name", Path(path).stem))
        if {"target", "read"} <= columns.keys():
            samples = (columns["target"], columns["read"], columns.get("age"))
            return cls.from_samples(*samples, g_max=g_max, name=name, **fit)
        if {"state", "mean", "std"} <= columns.keys():
            if fit:
                raise DataError(f"{path}: is a finished table, for which {next(iter(fit))}= has no meaning")
            return cls(**table_fields(columns, g_max, path), name=name)
        raise DataError(
            f"{path}: needs the columns state,mean,std or target,read (and age where it was followed); "
            f"found {', '.join(columns) or 'none of them'}"
        )

    @classmethod
    def from_npz(
        cls, path: str | Path, *, columns: Mapping[str, str], g_max: float | None = None, **fit: Any
    ) -> MeasuredTable:
        """Fit raw samples of an NPZ file; ``columns`` maps ``target``, ``read`` and perhaps ``age`` to its arrays."""
        wanted = {"target", "read"}
        if not wanted <= columns.keys() <= wanted | {"age"}:
            raise DataError(f"columns name target, read and perhaps age; got {', '.join(columns) or 'none'}")
        arrays = read_npz(path, columns)
        samples = (arrays["target"], arrays["read"], arrays.get("age"))
        return cls.from_samples(*samples, g_max=g_max, **({"name": Path(path).stem} | fit))

    @classmethod
    def from_samples(
        cls,
        target: Array,
        read: Array,
        age: Array | None = None,
        *,
        g_max: float | None = None,
        states: int = 16,
        name: str = "measured",
    ) -> MeasuredTable:
        """Fit mean and standard deviation of ``read`` per state (and age) from raw samples.

        Targets are grouped into ``states`` groups of equal count (or by value where there are no more distinct
        ones); a state is its group's mean target, an error is read minus target, so the spread of targets within a
        group does not count as variation.

        Args:
            target: ``(n,)`` conductances the cells were written to.
            read: ``(n,)`` conductances read back.
            age: ``(n,)`` seconds between the two; distinct values become the rows of the table.
            g_max: conductance of the top level, in the same unit; ``None`` where samples are fractions.
            states: number of groups.
            name: what tables call the device.
        """
        from mho.devices.fitting import fit_moments

        return cls(**fit_moments(target, read, age, g_max=g_max, states=states), name=name)

    @property
    def clock(self) -> Clock | None:
        """Seconds where cells were followed; else every age reads alike."""
        return "s" if len(self.ages) > 1 else None

    def write(self, level: Tensor, draws: Draws) -> Tensor:
        mean, std = self._moments(level, self.ages[0], may_rest=len(self.ages) > 1)
        return mean + std * draws.normal("measured")

    def read(self, level: Tensor, held: Tensor, draws: Draws, age: float) -> Tensor:
        if age <= self.ages[0]:
            return held
        # A cell keeps its rank among cells as it ages, in a distribution that has moved and widened; that rank is of
        # what it holds, which pulses may have changed since it was written. Of a perfect write it is still open.
        mean, std = self._moments(level, age)
        first_mean, first_std = self._moments(level, self.ages[0], may_rest=True)
        rank = (held - first_mean) / first_std.where(first_std > 0, first_std.new_ones(()))
        return mean + std * rank.where(first_std > 0, draws.normal("measured"))

    @property
    def writes_gaussian(self) -> str | None:
        return "measured" if len(self.ages) == 1 else None

    def fresh(self, level: Tensor) -> tuple[Tensor, Tensor]:
        return self._moments(level, self.ages[0], may_rest=True)

    def gaussian(self, level: Tensor, age: float) -> tuple[Tensor, Tensor]:
        return self._moments(level, age)

    def _moments(self, level: Tensor, age: float, *, may_rest: bool = False) -> tuple[Tensor, Tensor]:
        from mho.devices.interpolation import bracket

        shift, std = (level.new_tensor(row) for row in self._at_age(age, may_rest))
        left, share = bracket(level, level.new_tensor(self.states))
        right = (left + 1).clamp(max=len(self.states) - 1)
        return level + shift[left].lerp(shift[right], share), std[left].lerp(std[right], share)

    def _at_age(self, age: float, may_rest: bool) -> tuple[list[float], list[float]]:
        """Mean shift and standard deviation per state, interpolated to ``age`` and rescaled to ``sigma``.

        ``may_rest`` allows that nothing varies at that age: a write may be perfect and still be read later.
        """
        import numpy as np

        from mho.devices.fitting import at_age

        shifts = np.array(self.mean) - np.array(self.states)
        factor = 1.0
        if self.sigma is not None:
            rms = float(np.sqrt(np.mean(np.square(self.std[-1]))))
            self.check(rms > 0 or self.sigma == 0, "sigma", "cannot rescale a table whose std is zero")
            factor = self.sigma / rms if rms > 0 else 0.0
        shift, std = (factor * at_age(self.ages, rows, age) for rows in (shifts, np.array(self.std)))
        if self.sigma and not std.any() and not may_rest:
            raise SpecError(
                f"{self.name}: nothing varies at age {age:g} s, so sigma={self.sigma:g} has no meaning there"
            )
        return shift.tolist(), std.tolist()
