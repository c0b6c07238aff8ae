"""From measured pulse responses (conductances after each of many equal pulses up, and down) to a pulsed cell."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from mho.devices.pulsed import LinearStep, PulsedCell, SoftBounds
from mho.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mho.devices.pulse_likelihood import Run

    Array = NDArray[np.float64]

FEWEST = 20
"""Pulses of a run without which its curve says nothing."""
SPREAD = 3
"""Devices without which their spread is not estimated."""
_NEAREST, _FARTHEST = 0.8, 3.0
"""Where a soft bound may lie; pulses reached from -1 to 1, and a straight line has its bound anywhere."""
_NEAR = 1e-3
"""Relative distance from a limit of the search that is taken for the limit."""


@dataclass(frozen=True)
class PulseFit:
    """A cell that pulse responses fit, and what of them is not the cell.

    Attributes:
        cell: in a unit in which the mean device went from -1 to 1. With fewer than three devices the spreads from
            device to device are not fitted: they are those of a ``SoftBounds()``.
        devices: how many were measured.
        centre: conductance that 0 stands for, in the unit of the measurement.
        scale: conductance that a difference of 1 stands for, in that unit.
        read_noise: standard deviation of a read that the next read does not remember, over ``scale``.
        flicker: standard deviation of what wanders from read to read and yet is not in the cell, over ``scale``.
    """

    cell: PulsedCell
    devices: int
    centre: float
    scale: float
    read_noise: float
    flicker: float


def fit_response(
    up: Sequence[Array], down: Sequence[Array], *, law: Literal["soft-bounds", "linear-step"] = "soft-bounds"
) -> PulseFit:
    """The cell that makes runs of equal pulses most likely.

    Every run is fitted by itself, by the exact likelihood of a cell whose steps scatter and whose reads do, which
    tells the two apart: scatter of a step stays in the cell, scatter of a read does not. Reads may wander besides,
    where that is more likely; then the scatter of the steps is what is left, and may be 0. Bounds of "soft-bounds"
    are at most one range beyond what pulses reached (a run along a straight line has none); those of "linear-step" are
    what pulses reached, and steps shrink by a share that is fitted.

    Args:
        up: conductances after each pulse of a run of pulses up, any unit, ``(n,)`` a device; the first run starts low.
        down: the same for a run of pulses down, which starts high.
        law: which kind of cell.

    Warns where a soft bound is at the limit of its search.

    Returns:
        The cell, and what 0 and 1 stand for; rates, biases and algorithms know nothing of siemens.

    Raises:
        DataError: too few pulses, something that is no finite number, pulses up that do not raise, or a device that
            never reaches the middle.
    """
    import numpy as np

    from mho.devices.pulse_likelihood import fit_run

    ups, downs = [[np.ravel(np.asarray(run, np.float64)) for run in runs] for runs in (up, down)]
    if not ups or len(ups) != len(downs):
        raise DataError(f"pulse responses need as many runs up as down; got {len(ups)} and {len(downs)}")
    for name, runs in (("up", ups), ("down", downs)):
        for i, run in enumerate(runs, 1):
            _check(run, f"run {name} of device {i}")
    lows, highs = np.transpose([_reached(*pair) for pair in zip(ups, downs, strict=True)])
    centre, scale = float(highs.mean() + lows.mean()) / 2, float(highs.mean() - lows.mean()) / 2
    span = (1 / _FARTHEST, 1 / _NEAREST) if law == "soft-bounds" else (0.0, 1.0)
    rises, falls = [], []
    held: list[str] = []
    for i, (rise, fall, low, high) in enumerate(zip(ups, downs, lows, highs, strict=True), 1):
        # Each device is fitted where it went from -1 to 1 itself, then told in the unit of all.
        own, half = (low + high) / 2, (high - low) / 2
        runs_of = [fit_run((rise - own) / half, span), fit_run((own - fall) / half, span)]
        if law == "soft-bounds":
            named = zip(("upper", "lower"), runs_of, strict=True)
            held += [f"{at} of device {i}" for name, run in named if (at := _limit(run, name))]
        rises.append(_in_unit(runs_of[0], (centre - own) / half, half / scale, i))
        falls.append(_in_unit(runs_of[1], (own - centre) / half, half / scale, i))
    if held:
        more = f" and {len(held) - 2} more" if len(held) > 2 else ""
        warnings.warn(
            f"fit of pulse responses: {', '.join(held[:2])}{more} sits at the limit of the search, which the data do "
            "not decide; compare a linear-step fit",
            stacklevel=2,
        )
    fields = _steps(rises, falls)
    if law == "soft-bounds":
        top, bottom = np.array([1 / r.shrinks for r in rises]), np.array([-1 / f.shrinks for f in falls])
    else:
        top, bottom = (highs - centre) / scale, (lows - centre) / scale
    w_max, w_min = float(top.mean()), float(bottom.mean())
    if len(rises) >= SPREAD:
        spreads = [float(bound.std(ddof=1) / bound.mean()) for bound in (top, bottom)]
        fields["bounds_dtod"] = math.sqrt((spreads[0] ** 2 + spreads[1] ** 2) / 2)
    fields |= {"w_max": w_max, "w_min": w_min, "n_states": (w_max - w_min) / fields.pop("step")}
    cell: PulsedCell
    if law == "soft-bounds":
        cell = SoftBounds(**fields)
    else:
        slopes = [
            min(1.0, float(np.mean([run.shrinks for run in runs]) * bound))
            for runs, bound in ((rises, w_max), (falls, -w_min))
        ]
        cell = LinearStep(**fields, slope_up=slopes[0], slope_down=slopes[1])
    read, flicker = (
        math.sqrt(sum(getattr(run, name) ** 2 for run in (*rises, *falls)) / (2 * len(rises)))
        for name in ("read_noise", "flicker")
    )
    return PulseFit(cell=cell, devices=len(rises), centre=centre, scale=scale, read_noise=read, flicker=flicker)


def _limit(run: Run, bound: str) -> str:
    """Which limit of the search a soft bound stopped at; empty where it did not."""
    for far in (_FARTHEST, _NEAREST):
        if math.isclose(run.shrinks * far, 1, rel_tol=_NEAR):
            return f"the {bound} bound ({far:g} times half the range)"
    return ""


def _in_unit(run: Run, zero: float, unit: float, device: int) -> Run:
    """``run`` told of another zero, at ``zero`` of its own unit, in a unit 1 / ``unit`` times as large."""
    at_zero = 1 - run.shrinks * zero
    if at_zero <= 0:
        raise DataError(
            f"device {device} never reaches the middle of where all devices go; leave it out, as a device that is stuck"
        )
    return replace(
        run,
        step=run.step * at_zero * unit,
        shrinks=run.shrinks / at_zero / unit,
        noise=run.noise * unit,
        read_noise=run.read_noise * unit,
        flicker=run.flicker * unit,
    )


def _steps(rises: list[Run], falls: list[Run]) -> dict[str, Any]:
    """Fields of a cell that its steps decide, and ``step`` itself."""
    import numpy as np

    up, down = np.array([r.step for r in rises]), np.array([f.step for f in falls])
    size = (up + down) / 2
    step = float(np.exp(np.log(size).mean()))
    rho = (up - down) / (2 * step)
    noises = sum(run.noise**2 for run in (*rises, *falls))
    fields = {
        "step": step,
        "asymmetry": float(rho.mean()),
        "ctoc": math.sqrt(noises / float((up**2 + down**2).sum())),
    }
    if len(rises) >= SPREAD:
        fields |= {"step_dtod": float(np.log(size).std(ddof=1)), "asymmetry_dtod": float(rho.std(ddof=1))}
    return fields


def _check(run: Array, what: str) -> None:
    import numpy as np

    if len(run) < FEWEST:
        raise DataError(f"{what} has {len(run)} pulses; {FEWEST} or more are needed to tell a step from noise")
    if not np.isfinite(run).all():
        raise DataError(f"{what} holds NaN or infinite numbers")


def _reached(up: Array, down: Array) -> tuple[float, float]:
    """The lowest and the highest conductance of a device, each a mean over a twentieth of a run."""
    ends = [
        (float(run[: len(run) // 20 or 1].mean()), float(run[-(len(run) // 20 or 1) :].mean())) for run in (up, down)
    ]
    if not (ends[0][1] > ends[0][0] and ends[1][0] > ends[1][1]):
        raise DataError(
            f"pulses up took a device from {ends[0][0]:.3g} to {ends[0][1]:.3g} and pulses down from {ends[1][0]:.3g} "
            f"to {ends[1][1]:.3g}; up must raise and down must lower (are the columns swapped?)"
        )
    return min(ends[0][0], ends[1][1]), max(ends[0][1], ends[1][0])
