"""A device known by its measured errors, tails and all: no Gaussian in between."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from mho.devices.base import Device, check_sigma
from mho.errors import SpecError
from mho.spec import label
from mho.units import Clock

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from mho.rng import Draws

    Array = NDArray[np.float64]

PROBABILITIES = (
    *(0.0, 0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5),
    *(0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.997, 0.999, 1.0),
)
"""Where the error distributions are kept: closely at the tails, which make the unlucky chip."""


@dataclass(frozen=True, kw_only=True)
class MeasuredQuantiles(Device):
    """Reads back the target plus an error from the measured distribution of its state.

    One uniform number per cell is sent through the inverse distribution function, interpolated linearly between
    quantiles, states and (logarithmic) ages; a cell keeps its rank among cells as it ages. Where
    :class:`MeasuredTable` fits a Gaussian, this keeps skew and heavy tails, at the price of sampling cell by cell.

    Attributes:
        states: target levels, increasing fractions of the full range.
        errors: read minus target, ``[age][state][probability]``, fractions of the full range.
        ages: seconds since programming of each row; younger ages are held at the first row, older ones than the last
            are refused.
        probabilities: of the quantiles, increasing from 0 to 1.
        sigma: ``None`` for the device as measured; a number rescales all errors so that their root-mean-square over
            the states at the last age (about the mean of each state) is ``sigma``.
        name: what tables call the device.
    """

    states: tuple[float, ...]
    errors: tuple[tuple[tuple[float, ...], ...], ...]
    ages: tuple[float, ...] = (0.0,)
    probabilities: tuple[float, ...] = PROBABILITIES
    sigma: float | None = None
    name: str = label("measured quantiles")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sigma(self)
        for field in ("states", "ages", "probabilities"):
            values = getattr(self, field)
            self.check(bool(values) and all(a < b for a, b in pairwise(values)), field, "must be increasing, not empty")
        self.check(self.ages[0] >= 0, "ages", "must be zero or more seconds")
        self.check(self.probabilities[0] == 0 and self.probabilities[-1] == 1, "probabilities", "must span 0 to 1")
        shape = (len(self.ages), len(self.states), len(self.probabilities))
        fits = len(self.errors) == shape[0] and all(
            len(row) == shape[1] and all(len(q) == shape[2] for q in row) for row in self.errors
        )
        self.check(fits, "errors", "must hold {} ages x {} states x {} quantiles".format(*shape))
        rising = all(a <= b for row in self.errors for q in row for a, b in pairwise(q))
        self.check(rising, "errors", "must not fall from one quantile to the next")

    @property
    def label(self) -> str:
        return self.name

    @classmethod
    def from_samples(
        cls,
        target: Array,
        read: Array,
        age: Array | None = None,
        *,
        g_max: float | None = None,
        states: int = 16,
        name: str = "measured quantiles",
    ) -> MeasuredQuantiles:
        """Keep the quantiles of read minus target per state (and age); see :meth:`MeasuredTable.from_samples`."""
        from mho.devices.fitting import fit_quantiles

        return cls(**fit_quantiles(target, read, age, PROBABILITIES, g_max=g_max, states=states), name=name)

    @property
    def clock(self) -> Clock | None:
        """Seconds where cells were followed; else every age reads alike."""
        return "s" if len(self.ages) > 1 else None

    def write(self, level: Tensor, draws: Draws) -> Tensor:
        return level + self._errors(level, draws, self.ages[0], may_rest=len(self.ages) > 1)

    def read(self, level: Tensor, held: Tensor, draws: Draws, age: float) -> Tensor:
        if age <= self.ages[0]:
            return held
        # The rank is that of the write; pulses that came after it shift the cell, at every age alike.
        first = self._errors(level, draws, self.ages[0], may_rest=True)
        return held + (self._errors(level, draws, age) - first)

    def _errors(self, level: Tensor, draws: Draws, age: float, *, may_rest: bool = False) -> Tensor:
        import torch

        from mho.devices.interpolation import bracket

        table = torch.tensor(self._at_age(age, may_rest), dtype=torch.float32, device=level.device)
        grid = torch.tensor(self.probabilities, dtype=torch.float32, device=level.device)
        states = torch.tensor(self.states, dtype=torch.float32, device=level.device)
        u = (draws.bits("measured quantiles").to(torch.float64) + 0.5).mul_(2.0**-32).to(torch.float32)
        low, q = bracket(u, grid)
        state, s = bracket(level.to(torch.float32), states)
        state, s = state.expand(u.shape), s.expand(u.shape)
        next_state = (state + 1).clamp(max=len(self.states) - 1)
        below = table[state, low].lerp(table[state, low + 1], q)
        above = table[next_state, low].lerp(table[next_state, low + 1], q)
        return below.lerp(above, s)

    def _at_age(self, age: float, may_rest: bool) -> Array:
        """``(states, probabilities)`` errors at ``age``, rescaled to ``sigma``."""
        import numpy as np

        from mho.devices.fitting import at_age

        rows = np.array(self.errors)
        if self.sigma is None:
            return at_age(self.ages, rows, age)
        rms = _spread(rows[-1], np.diff(self.probabilities))
        self.check(rms > 0 or self.sigma == 0, "sigma", "cannot rescale errors without any spread")
        errors = at_age(self.ages, rows, age) * (self.sigma / rms if rms > 0 else 0.0)
        if self.sigma and not errors.any() and not may_rest:
            raise SpecError(
                f"{self.name}: nothing varies at age {age:g} s, so sigma={self.sigma:g} has no meaning there"
            )
        return errors


def _spread(quantiles: Array, widths: Array) -> float:
    """Root mean square over states of the standard deviation of a piecewise linear inverse distribution function."""
    import numpy as np

    low, high = quantiles[:, :-1], quantiles[:, 1:]
    mean = (widths * (low + high) / 2).sum(1)
    square = (widths * (low**2 + low * high + high**2) / 3).sum(1)
    return float(np.sqrt(np.mean(square - mean**2)))
