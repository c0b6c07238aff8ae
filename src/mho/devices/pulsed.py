"""Cells that are trained by pulses: how far one small pulse moves a conductance, and how cells differ in that."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Self, cast, final

from mho.devices.crosspoints import Crosspoints
from mho.errors import SpecError
from mho.spec import Spec, label

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from mho.rng import Draws


@dataclass(frozen=True, kw_only=True)
class PulsedCell(Spec):
    """Abstract cell of an array that is trained in place: identical small pulses move it up or down.

    It is no :class:`~mho.devices.Device`: that is written to a level, this is never told where to go, and what it
    holds depends on all pulses before. The two meet when training is over: :func:`mho.analog.extract` reads the
    weights that the array holds, and these are deployed on a device as any others are. Conductances have no unit and
    run about from -1 to 1, the difference between a cell and a fixed reference in the middle of its range.

    One pulse moves the conductance v of a cell with steps a_up, a_down >= 0 at v = 0 and bounds b_max >= 0 >= b_min by

    ``dv = +a_up   (1 - slope_up   v / b_max + ctoc xi)`` up, and
    ``dv = -a_down (1 - slope_down v / b_min + ctoc xi)`` down,

    xi a standard normal of its own for every pulse; then v is clipped to its bounds, and v/b is taken as 0 where a
    bound is 0. ``noise="multiplicative"`` is ``(1 - slope v / b)(1 + ctoc xi)`` instead. Cells differ, for good
    ([rasch2024fast] eqs 2-8, with xi_1 ... xi_4 standard normals of each cell and delta = :attr:`step`):

    ``b_max = max(w_max (1 + bounds_dtod xi_1), 0)``, ``b_min = min(w_min (1 + bounds_dtod xi_2), 0)``,
    ``a_up = |delta (gamma + rho)|``, ``a_down = |delta (gamma - rho)|``,
    ``gamma = exp(step_dtod xi_3)`` (or ``1 + step_dtod xi_3``), ``rho = asymmetry + asymmetry_dtod xi_4``.

    The absolute values are ours for the few steps that would be negative: a pulse up never means down.

    Attributes:
        n_states: steps of ``step`` from the lower to the upper bound; few is what makes a device hard to train.
        w_max: mean upper bound, above 0.
        w_min: mean lower bound, below 0.
        bounds_dtod: spread of the bounds from device to device, relative to them (s_b).
        step_dtod: spread of the common size of both steps (s_dtod): sigma of its logarithm, or relative.
        step_law: law of that size; "log-normal" has the median 1, "normal" the mean 1.
        asymmetry: mean of rho, half the relative difference of the steps up and down at 0, within -1 and 1.
        asymmetry_dtod: its spread from device to device (s_pm).
        ctoc: spread of one pulse's step from pulse to pulse, relative to the step at 0 (s_ctoc).
        noise: whether that spread stays as it is along the range ("additive") or shrinks with the step
            ("multiplicative").
        lifetime: updates after which a conductance has leaked to 1/e of itself, as in a capacitor; ``None`` for never.
        stuck_rate: share of devices that no pulse moves; each is stuck at a value uniform within its bounds.
        source: BibTeX key of where the numbers are from; it decides none.
    """

    references: ClassVar[tuple[str, ...]] = ("rasch2024fast",)

    n_states: float = 20.0
    w_max: float = 1.0
    w_min: float = -1.0
    bounds_dtod: float = 0.3
    step_dtod: float = 0.3
    step_law: Literal["log-normal", "normal"] = "log-normal"
    asymmetry: float = 0.0
    asymmetry_dtod: float = 0.1
    ctoc: float = 0.3
    noise: Literal["additive", "multiplicative"] = "additive"
    lifetime: float | None = None
    stuck_rate: float = 0.0
    source: str = label("")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.n_states >= 2, "n_states", "must be 2 or more steps from bound to bound")
        self.check(self.w_max > 0, "w_max", "must be above 0, where a cell starts")
        self.check(self.w_min < 0, "w_min", "must be below 0, where a cell starts; bounds lie on both sides of it")
        for field in ("bounds_dtod", "step_dtod", "asymmetry_dtod", "ctoc"):
            self.check(getattr(self, field) >= 0, field, "is a spread and must be zero or more")
        self.check(abs(self.asymmetry) < 1, "asymmetry", "must be within -1 and 1; at either, one direction is dead")
        self.check(self.lifetime is None or self.lifetime > 0, "lifetime", "must be more than 0 updates, or null")
        self.check(0 <= self.stuck_rate <= 1, "stuck_rate", "is a probability and must be within 0 and 1")
        if self.source:  # the class cites its model, a cell its numbers too
            object.__setattr__(self, "references", tuple(dict.fromkeys((*self.references, self.source))))

    @property
    def step(self) -> float:
        """delta: the nominal step at 0, the same up and down."""
        return (self.w_max - self.w_min) / self.n_states

    @property
    @abstractmethod
    def slopes(self) -> tuple[float, float]:
        """Share of the step up (down) that is lost on the way from 0 to the upper (lower) bound, each within 0, 1."""

    @property
    def kept(self) -> float:
        """Share of a conductance that is left one update later: exp(-1 / lifetime), or 1."""
        return 1.0 if self.lifetime is None else math.exp(-1 / self.lifetime)

    @property
    def label(self) -> str:
        """Short name for tables."""
        return f"{type(self).__name__}({self.n_states:g} states)"

    @final
    def with_bounds(self, factor: float) -> Self:
        """This cell with its bounds ``factor`` times as far off and the same step at 0.

        Within the old range a larger one makes soft bounds steps more nearly constant, and leaves more states
        [rasch2024fast Fig. 6].

        Raises:
            SpecError: a factor that is not above 0, or that leaves fewer than two states.
        """
        if not factor > 0:
            raise SpecError(f"{type(self).__name__}: bounds {factor:g} times as far off; the factor must be above 0")
        wider = {"w_max": self.w_max * factor, "w_min": self.w_min * factor, "n_states": self.n_states * factor}
        return self.replace(**wider)

    @final
    def build(self, draws: Draws) -> Crosspoints:
        """The cells of an array: what is fixed in each of them.

        Args:
            draws: the addressed random numbers of the array; ``draws.shape`` is ``(out, in)``.

        Returns:
            Tensors ``(chips, out, in)`` float32.
        """

        def normal(purpose: str) -> Tensor:
            return draws.normal(f"pulsed {purpose}", lasting=True)

        high = (self.w_max * (1 + self.bounds_dtod * normal("upper bound"))).clamp(min=0)
        low = (self.w_min * (1 + self.bounds_dtod * normal("lower bound"))).clamp(max=0)
        spread = self.step_dtod * normal("step")
        gamma = spread.exp() if self.step_law == "log-normal" else 1 + spread
        rho = self.asymmetry + self.asymmetry_dtod * normal("asymmetry")
        up, down = (self.step * (gamma + rho)).abs(), (self.step * (gamma - rho)).abs()
        if self.stuck_rate == 0:
            return Crosspoints(up=up, down=down, high=high, low=low)
        moves = draws.bits("pulsed stuck", lasting=True) >= round(self.stuck_rate * 2**32)
        share = (draws.bits("pulsed stuck at", lasting=True).double() + 0.5) / 2**32
        value = low.lerp(high, share.float())
        return Crosspoints(
            up=up * moves,
            down=down * moves,
            high=high.where(moves, value),
            low=low.where(moves, value),
            stuck=value.masked_fill(moves, math.nan),
        )


@dataclass(frozen=True, kw_only=True)
class SoftBounds(PulsedCell):
    """Steps shrink linearly and vanish at the bound: the device of [rasch2024fast] eqs 2-8, here the default.

    n pulses up bring a noise-free cell from v to ``b_max - (b_max - v)(1 - a_up / b_max)^n``.
    """

    @property
    def slopes(self) -> tuple[float, float]:
        return 1.0, 1.0

    @classmethod
    def from_csv(cls, path: str | Path) -> SoftBounds:
        """The soft-bounds cell that a file of measured pulse responses fits best; see
        :func:`mho.devices.pulse_response.fit_response`.

        Args:
            path: a CSV file with one pair of columns a device, conductances after each of a run of pulses up and of a
                run of pulses down, in any unit, with or without the header ``up,down``.

        Raises:
            DataError: the file is missing, holds something that is no number, or no response of this kind.
        """
        from mho.devices.pulse_files import read_responses
        from mho.devices.pulse_response import fit_response

        return cast(SoftBounds, fit_response(*read_responses(path)).cell)


@dataclass(frozen=True, kw_only=True)
class LinearStep(PulsedCell):
    """Steps that shrink linearly by a share of their own [rasch2021aihwkit]; 1 is soft bounds, 0 a constant step.

    Attributes:
        slope_up: share of the step up that is lost on the way from 0 to the upper bound, within 0 and 1.
        slope_down: the same for the step down and the lower bound.
    """

    references: ClassVar[tuple[str, ...]] = ("rasch2021aihwkit", "rasch2024fast")

    slope_up: float = 0.5
    slope_down: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in ("slope_up", "slope_down"):
            must = "is the share of a step that is lost on the way to the bound and must be within 0 and 1"
            self.check(0 <= getattr(self, field) <= 1, field, must)

    @property
    def slopes(self) -> tuple[float, float]:
        return self.slope_up, self.slope_down

    @classmethod
    def from_csv(cls, path: str | Path) -> LinearStep:
        """The linear-step cell that a file of measured pulse responses fits best; as :meth:`SoftBounds.from_csv`.

        Its bounds are the lowest and the highest conductance that the pulses reached.
        """
        from mho.devices.pulse_files import read_responses
        from mho.devices.pulse_response import fit_response

        return cast(LinearStep, fit_response(*read_responses(path), law="linear-step").cell)


@dataclass(frozen=True, kw_only=True)
class ConstantStep(PulsedCell):
    """The same step everywhere between the bounds: hard bounds, and no symmetry point [gokmen2016rpu]."""

    references: ClassVar[tuple[str, ...]] = ("gokmen2016rpu", "rasch2024fast")

    @property
    def slopes(self) -> tuple[float, float]:
        return 0.0, 0.0
