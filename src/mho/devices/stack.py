"""A cell's life as a sequence of stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mho.devices.base import Ageing, Device, common_clock
from mho.devices.stuck_at import StuckAt
from mho.errors import SpecError
from mho.spec import label
from mho.units import Clock

if TYPE_CHECKING:
    from torch import Tensor

    from mho.devices.nanowires import Nanowires
    from mho.rng import Draws


@dataclass(frozen=True, kw_only=True)
class Stack(Device):
    """Stages applied in order: all writes, one on what the other left; then all that happens to a written cell.

    Programming error, drift, faults and read noise add up this way; none replaces another.

    Attributes:
        stages: the devices, programming first.
        name: what tables call the stack; the stages' names otherwise.
    """

    stages: tuple[Device, ...]
    name: str = label("")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.stages:
            raise SpecError("Stack: stages=() is empty; give it at least one device")
        kinds = [type(stage) for stage in _flat(self.stages)]
        for kind in kinds:
            if kinds.count(kind) > 1:
                # Two stages of one kind would share one stream of random numbers.
                raise SpecError(f"Stack: {kind.__name__} appears twice; merge the two into one stage")
        ageing = ""
        for stage in _flat(self.stages):
            if ageing and not isinstance(stage, Ageing):
                raise SpecError(
                    f"Stack: {type(stage).__name__} is written, but comes after {ageing}, which only happens to "
                    "written cells; put programming first"
                )
            ageing = type(stage).__name__ if isinstance(stage, Ageing) else ""
        if len(kinds) > 1 and any(stage.per_weight for stage in self.stages):
            raise SpecError(
                "Stack: a stage with level_scope='weight' describes whole weights, the others cells; "
                "use level_scope='device'"
            )
        common_clock(self.stages, "Stack", "leave one of them out")

    @property
    def clock(self) -> Clock | None:
        return next((stage.clock for stage in self.stages if stage.clock is not None), None)

    @property
    def label(self) -> str:
        return self.name or "+".join(stage.label for stage in self.stages)

    @property
    def per_weight(self) -> bool:
        return any(stage.per_weight for stage in self.stages)

    @property
    def sigma(self) -> float | None:
        """Sigma of the first stage that has one."""
        at = self._with_sigma_at()
        return None if at is None else self.stages[at].sigma  # type: ignore[attr-defined]

    def with_sigma(self, sigma: float) -> Stack:
        at = self._with_sigma_at()
        if at is None:
            raise SpecError(f"{self.label} has no stage with a sigma to vary; leave out sigma=")
        return self.replace(stages=(*self.stages[:at], self.stages[at].with_sigma(sigma), *self.stages[at + 1 :]))

    def _with_sigma_at(self) -> int | None:
        for i, stage in enumerate(self.stages):
            # Every stack has the attribute, whether or not one of its stages has a sigma.
            has_one = stage._with_sigma_at() is not None if isinstance(stage, Stack) else hasattr(stage, "sigma")
            if has_one:
                return i
        return None

    def written_to(self, *, cell_bits: int, weight_bits: int, kappa: float) -> Stack:
        stages = tuple(s.written_to(cell_bits=cell_bits, weight_bits=weight_bits, kappa=kappa) for s in self.stages)
        return self.replace(stages=stages)

    @property
    def slips(self) -> bool:
        return any(stage.slips for stage in self.stages)

    def on_tracks(self, wires: Nanowires) -> Stack:
        return self.replace(stages=tuple(stage.on_tracks(wires) for stage in self.stages))

    def gaussian(self, level: Tensor, age: float) -> tuple[Tensor, Tensor] | None:
        """Gaussian if a single stage does anything at all."""
        active = [stage for stage in self.stages if not stage.inert]
        return active[0].gaussian(level, age) if len(active) == 1 else None

    def fresh(self, level: Tensor) -> tuple[Tensor, Tensor] | None:
        active = [stage for stage in self.stages if not stage.inert]
        return active[0].fresh(level) if len(active) == 1 else None

    @property
    def writes_gaussian(self) -> str | None:
        active = [stage for stage in self.stages if not stage.inert]
        return active[0].writes_gaussian if len(active) == 1 else None

    def write(self, level: Tensor, draws: Draws) -> Tensor:
        for stage in self.stages:
            level = stage.write(level, draws)
        return level

    def read(self, level: Tensor, held: Tensor, draws: Draws, age: float) -> Tensor:
        for stage in self.stages:
            held = stage.read(level, held, draws, age)
        return held


def only_stuck(device: Device) -> StuckAt | None:
    """The stuck cells of ``device`` where nothing else ever happens to them; ``None`` where something does."""
    if isinstance(device, StuckAt):
        return device
    if not isinstance(device, Stack):
        return None
    others = [stage for stage in device.stages if not stage.inert and only_stuck(stage) is None]
    found = [stuck for stage in device.stages if (stuck := only_stuck(stage)) is not None]
    return found[0] if found and not others else None


def stuck_of(device: Device) -> StuckAt | None:
    """The stuck cells of ``device``, whatever else happens to it; ``None`` where it has none."""
    if isinstance(device, StuckAt):
        return device
    stages = device.stages if isinstance(device, Stack) else ()
    return next((found for stage in stages if (found := stuck_of(stage)) is not None), None)


def _flat(stages: tuple[Device, ...]) -> list[Device]:
    nested = [_flat(s.stages) if isinstance(s, Stack) else [s] for s in stages]
    return [stage for part in nested for stage in part]
