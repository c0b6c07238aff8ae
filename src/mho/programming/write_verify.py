"""Write, read, and write again until the cell is near enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from mho.errors import SpecError
from mho.programming.base import Moments, Scheme, Written

if TYPE_CHECKING:
    from torch import Tensor

    from mho.devices.base import Device
    from mho.rng import Draws


@dataclass(frozen=True, kw_only=True)
class WriteVerify(Scheme):
    """Every cell is written until it reads back within ``tolerance`` of its target, right after the write.

    Two models of a further cycle. ``"redraw"``: the cell is programmed from scratch, its error drawn anew. Of a
    Gaussian error with standard deviation sigma that gives, with ``a = tolerance / sigma`` and ``p = 2 Phi(a) - 1``,
    ``1 / p`` cycles on average and the residual variance ``sigma^2 (1 - 2 a phi(a) / p)``. ``"pulse"``: a pulse moves
    the cell towards its target by ``step (1 + step_spread z)``. The first write is the one that the cell has in open
    loop, where that is sampled cell by cell too (``chips.programmed(by_cell=True)``, as :func:`mho.verify` does).
    Verification sees a cell right after its write; what age does to it later is the device's business.

    The papers give no cycle model: both are formulations of this package (docs/decisions/0015).

    Attributes:
        tolerance: largest error that is accepted, a fraction of the cell's full conductance range.
        max_cycles: writes after which a cell is given up; it keeps the error that it has then, and counts as failed.
        model: what a further cycle does.
        step: of ``"pulse"``: mean move of one pulse, a fraction of the full range; half the tolerance if ``None``.
        step_spread: of ``"pulse"``: standard deviation of a move over its mean.
        mean_cycles: cycles that a verified cell is charged with in place of those that the model takes, where a
            measured number is known; the errors stay those of the model.
    """

    references: ClassVar[tuple[str, ...]] = ("yan2022swim",)

    tolerance: float
    max_cycles: int = 100
    model: Literal["redraw", "pulse"] = "redraw"
    step: float | None = None
    step_spread: float = 0.3
    mean_cycles: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.tolerance > 0, "tolerance", "must be more than zero: no write is exact")
        if self.tolerance >= 1:
            raise SpecError(
                f"WriteVerify: tolerance={self.tolerance:g} spans the cell's full range; tolerance is a fraction, so "
                f"{self.tolerance:g} % is written {self.tolerance / 100:g}"
            ).at("tolerance")
        self.check(1 <= self.max_cycles <= 10_000, "max_cycles", "must be one or more, and at most 10000")
        self.check(self.step_spread >= 0, "step_spread", "must be zero or more")
        self.check(self.mean_cycles is None or self.mean_cycles >= 1, "mean_cycles", "must be one or more")
        if self.step is not None:
            self.check(self.model == "pulse", "step", "belongs to model: pulse; leave it out")
            fits = 0 < self.step < 2 * self.tolerance
            self.check(
                fits, "step", f"must be more than zero and less than twice the tolerance, {2 * self.tolerance:g}"
            )

    def write(
        self, device: Device, level: Tensor, draws: Draws, age: float = 0.0, chosen: Tensor | None = None
    ) -> Written:
        if self.model == "redraw" and device.writes_gaussian is not None:
            return self._redrawn(device, level, draws, chosen, device.writes_gaussian)
        return self._cycle_by_cycle(device, level, draws, age, chosen)

    def _redrawn(self, device: Device, level: Tensor, draws: Draws, chosen: Tensor | None, purpose: str) -> Written:
        """What :meth:`_cycle_by_cycle` gives, without asking the device again."""
        import torch

        from mho import kernels
        from mho.kernels.redraw import redraw

        moments = device.fresh(level)
        assert moments is not None, "it says that its writes are Gaussian"
        target, mean, std = (t.expand(draws.shape).float().contiguous().view(-1) for t in (level, *moments))
        picked = None if chosen is None else chosen.expand(draws.shape).contiguous().view(-1)
        read = torch.empty(len(draws.chips), len(target), device=level.device)
        kernels.fill_normal(read, draws.key(purpose, 1), draws.chips, mean, std)
        cycles = torch.ones(read.shape, dtype=torch.int32, device=level.device)
        keys = [draws.key(purpose, cycle) for cycle in range(2, self.max_cycles + 1)]
        failed = redraw(
            read,
            cycles,
            target,
            mean,
            std,
            keys=keys,
            chips=draws.chips,
            chosen=picked,
            tolerance=self.tolerance,
        )
        return Written(*(x.view(len(draws.chips), *draws.shape) for x in (read, cycles, failed)))

    def _cycle_by_cycle(
        self, device: Device, level: Tensor, draws: Draws, age: float, chosen: Tensor | None
    ) -> Written:
        import torch

        shape = (len(draws.chips), *draws.shape)
        first = device.write(level, draws)
        seen = device.read(level, first, draws, 0.0).expand(shape)
        out = seen if age == 0 else device.read(level, first, draws, age).expand(shape)
        pending = (seen - level).abs() > self.tolerance
        if chosen is not None:
            pending &= chosen
        at = pending.flatten().nonzero()[:, 0]
        cycles = torch.ones(shape, dtype=torch.int32, device=seen.device)
        read, taken = out.contiguous().clone(), cycles.view(-1)
        target, held = level.expand(shape).reshape(-1)[at], first.expand(shape).reshape(-1)[at]
        error = seen.reshape(-1)[at] - target
        for cycle in range(2, self.max_cycles + 1):
            if not len(at):
                break
            now = draws.write(cycle, at)
            if self.model == "pulse":
                held = held - error.sign() * self._step * (1 + self.step_spread * now.normal("pulse"))
                now = draws.write(1, at)  # a pulse is no new write: the cell stays the cell that it is
            else:
                held = device.write(target, now)
            back = device.read(target, held, now, 0.0)
            read.view(-1)[at] = back if age == 0 else device.read(target, held, now, age)
            taken[at] = cycle
            error = back - target
            still = error.abs() > self.tolerance
            at, target, held, error = at[still], target[still], held[still], error[still]
        failed = torch.zeros(shape, dtype=torch.bool, device=seen.device)
        failed.view(-1)[at] = True
        return Written(read, cycles, failed)

    @property
    def _step(self) -> float:
        return self.tolerance / 2 if self.step is None else self.step

    def moments(self, device: Device, level: Tensor) -> Moments:
        from mho.programming.moments import redrawn, simulated

        known = device.fresh(level) if self.model == "redraw" else None
        found = (
            simulated(self, device, level) if known is None else redrawn(level, *known, self.tolerance, self.max_cycles)
        )
        if self.mean_cycles is None:
            return found
        return Moments(found.error, level.new_full((), self.mean_cycles).expand(level.shape), found.failed)
