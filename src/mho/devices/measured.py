"""A device known by measurement: mean and standard deviation per state, and per age where they were followed."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mho.devices.base import Device, check_sigma
from mho.errors import DataError, nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from mho.rng import Draws

    Array = NDArray[np.float64]

_NAMES = {
    "target": ("target", "g_target", "gi", "initial"),
    "read": ("read", "g_read", "g", "measured"),
    "age": ("age", "age_s", "time", "t"),
    "state": ("state", "level"),
    "mean": ("mean",),
    "std": ("std", "sigma"),
}


@dataclass(frozen=True, kw_only=True)
class MeasuredTable(Device):
    """Gaussian read-back with the mean and standard deviation of a lab's own table.

    Between states both are interpolated linearly, outside they are held; between ages they are interpolated in the
    logarithm of time (linearly from an age of zero).

    Attributes:
        states: target levels, increasing fractions of the full range.
        mean: read-back mean, one row an age, one entry a state, fractions of the full range.
        std: read-back standard deviation, likewise.
        ages: seconds since programming of each row.
        sigma: ``None`` for the device as measured; a number rescales the whole table's errors (mean shift and
            spread) so that the root-mean-square spread over the states at the last age is ``sigma``.
        name: what tables call the device.
    """

    states: tuple[float, ...]
    mean: tuple[tuple[float, ...], ...]
    std: tuple[tuple[float, ...], ...]
    ages: tuple[float, ...] = (0.0,)
    sigma: float | None = None
    name: str = "measured"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sigma(self)
        for field in ("states", "ages"):
            values = getattr(self, field)
            ordered = len(values) > 0 and all(a < b for a, b in zip(values, values[1:], strict=False))
            self.check(ordered, field, "must be increasing and not empty")
        self.check(
            self.states[0] >= -0.5 and self.states[-1] <= 1.5, "states", "are fractions of the full range"
        )
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
        columns = _read_csv(Path(path))
        name = str(fit.pop("name", Path(path).stem))
        if {"target", "read"} <= columns.keys():
            return cls.from_samples(**columns, g_max=g_max, name=name, **fit)
        if {"state", "mean", "std"} <= columns.keys():
            return _from_table(columns, g_max, name, path)
        raise DataError(
            f"{path}: needs the columns state,mean,std or target,read (and age where it was followed); "
            f"found {', '.join(columns) or 'none of them'}"
        )

    @classmethod
    def from_npz(
        cls, path: str | Path, *, columns: Mapping[str, str], g_max: float | None = None, **fit: Any
    ) -> MeasuredTable:
        """Fit raw samples of an NPZ file; ``columns`` maps ``target``, ``read`` and optionally ``age`` to its arrays."""
        import numpy as np

        try:
            with np.load(path, allow_pickle=False) as file:
                for array in columns.values():
                    if array not in file.files:
                        raise DataError(f"{path}: no array '{array}': {nearest(array, file.files)}")
                arrays = {k: np.asarray(file[v], dtype=np.float64) for k, v in columns.items()}
        except FileNotFoundError:
            raise DataError(f"{path}: no such file") from None
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{path}: cannot be read as NPZ ({error}); the file may be truncated") from None
        return cls.from_samples(**arrays, g_max=g_max, **({"name": Path(path).stem} | fit))

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
        from mho.devices.fitting import fit_states

        return cls(**fit_states(target, read, age, g_max=g_max, states=states), name=name)

    def gaussian(self, level: Tensor, age: float) -> tuple[Tensor, Tensor]:
        import torch

        states = torch.tensor(self.states, dtype=level.dtype, device=level.device)
        shift_row, std_row = self._at_age(age)
        shift = torch.tensor(shift_row, dtype=level.dtype, device=level.device)
        std = torch.tensor(std_row, dtype=level.dtype, device=level.device)
        if len(self.states) == 1:
            return level + shift[0], std[0].expand_as(level)
        x = level.clamp(states[0], states[-1])
        right = torch.bucketize(x, states).clamp(1, len(self.states) - 1)
        share = (x - states[right - 1]) / (states[right] - states[right - 1])
        return (
            level + shift[right - 1].lerp(shift[right], share),
            std[right - 1].lerp(std[right], share),
        )

    def read(self, level: Tensor, draws: Draws, age: float) -> Tensor:
        mean, std = self.gaussian(level, age)
        return mean + std * draws.normal("programming")

    def _at_age(self, age: float) -> tuple[list[float], list[float]]:
        """Mean shift and standard deviation per state, interpolated to ``age`` and rescaled to ``sigma``."""
        import numpy as np

        times = np.array(self.ages)
        # log1p with the first positive age as unit: linear near zero, logarithmic beyond.
        unit = times[times > 0].min(initial=np.inf)
        axis = np.log1p(times / unit) if np.isfinite(unit) else times
        at = np.log1p(age / unit) if np.isfinite(unit) else 0.0
        shifts = np.array(self.mean) - np.array(self.states)
        factor = 1.0
        if self.sigma is not None:
            rms = float(np.sqrt(np.mean(np.square(self.std[-1]))))
            self.check(rms > 0 or self.sigma == 0, "sigma", "cannot rescale a table whose std is zero")
            factor = self.sigma / rms if rms > 0 else 0.0
        columns = range(len(self.states))
        shift = [factor * float(np.interp(at, axis, shifts[:, i])) for i in columns]
        std = [factor * float(np.interp(at, axis, np.array(self.std)[:, i])) for i in columns]
        return shift, std


def _read_csv(path: Path) -> dict[str, Array]:
    import numpy as np

    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row and not row[0].lstrip().startswith("#")]
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as CSV ({error})") from None
    if len(rows) < 2:
        raise DataError(
            f"{path}: holds no rows; expected a header such as state,mean,std and numbers below it"
        )
    header = [h.strip().lower() for h in rows[0]]
    found = {key: header.index(n) for key, names in _NAMES.items() for n in names if n in header}
    out: dict[str, Array] = {}
    for key, column in found.items():
        values = []
        for number, row in enumerate(rows[1:], start=2):
            try:
                values.append(float(row[column]))
            except (ValueError, IndexError):
                said = row[column] if column < len(row) else "nothing"
                raise DataError(f"{path}, row {number}: {header[column]} is '{said}', not a number") from None
        out[key] = np.array(values)
    return out


def _from_table(
    columns: Mapping[str, Array], g_max: float | None, name: str, path: str | Path
) -> MeasuredTable:
    import numpy as np

    scale = 1.0 if g_max is None else float(g_max)
    age = columns.get("age", np.zeros(len(columns["state"])))
    states, ages = np.unique(columns["state"]), np.unique(age)
    if g_max is None and states.max() > 1.5:
        raise DataError(
            f"{path}: states reach {states.max():g}, which is no fraction; pass g_max=, the top level"
        )
    if len(states) * len(ages) != len(age):
        raise DataError(
            f"{path}: {len(age)} rows do not make a full table of {len(states)} states x {len(ages)} ages"
        )
    order = np.lexsort((columns["state"], age))
    grid = {k: (columns[k][order] / scale).reshape(len(ages), len(states)).tolist() for k in ("mean", "std")}
    return MeasuredTable(
        states=tuple((states / scale).tolist()),
        ages=tuple(ages.tolist()),
        mean=tuple(map(tuple, grid["mean"])),
        std=tuple(map(tuple, grid["std"])),
        name=name,
    )
